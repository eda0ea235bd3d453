/* A file that is in place only when it is whole, or a device, a pipe or standard output. */
#include "cmd/cmd.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ct_status ct_output_open(const char *path, ct_output *out) {
    *out = (ct_output){.path = path, .f = stdout};
    if (!path) return CT_OK;
    struct stat st;
    char *real = realpath(path, NULL);
    if (stat(path, &st) || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
        out->final = ct_cmd_format("%s", real ? real : path);
        out->partial = ct_cmd_format("%s.tmp", out->final);
    }
    free(real);
    if ((out->f = fopen(out->partial ? out->partial : path, "we"))) return CT_OK;
    ct_say(CT_FAIL, "%s: cannot be written: %s", path, strerror(errno));
    free(out->final), free(out->partial);
    return CT_FAIL;
}

ct_status ct_output_close(ct_output *out, ct_status status) {
    if (!out->path) return status; /* main says what is wrong with standard output */
    errno = 0;
    bool whole = !fflush(out->f) && !ferror(out->f) && (!out->partial || !fsync(fileno(out->f)));
    whole = !fclose(out->f) && whole;
    if (!status && (!whole || (out->partial && rename(out->partial, out->final))))
        status = ct_say(CT_FAIL, "%s: cannot be written: %s", out->path, strerror(errno ? errno : EIO));
    if (status && out->partial) unlink(out->partial);
    free(out->final), free(out->partial);
    return status;
}

ct_status ct_output_try(const char *path) {
    struct stat st;
    ct_output out;
    if (!stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) return CT_OK;
    ct_status status = ct_output_open(path, &out);
    if (!status) ct_output_close(&out, CT_STOPPED);
    return status;
}
