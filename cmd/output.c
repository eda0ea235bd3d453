/* A file that is in place only when it is whole, or standard output. */
#include "cmd/cmd.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ct_status ct_output_open(const char *path, ct_output *out) {
    *out = (ct_output){.path = path, .f = stdout};
    if (!path) return CT_OK;
    out->partial = ct_cmd_format("%s.tmp", path);
    if ((out->f = fopen(out->partial, "we"))) return CT_OK;
    ct_say(CT_FAIL, "%s: cannot be written: %s", path, strerror(errno));
    free(out->partial);
    return CT_FAIL;
}

ct_status ct_output_close(ct_output *out, ct_status status) {
    if (!out->partial) return status; /* main says what is wrong with standard output */
    errno = 0;
    bool whole = !fflush(out->f) && !ferror(out->f) && !fsync(fileno(out->f));
    whole = !fclose(out->f) && whole;
    if (!status && (!whole || rename(out->partial, out->path)))
        status = ct_say(CT_FAIL, "%s: cannot be written: %s", out->path, strerror(errno ? errno : EIO));
    if (status) unlink(out->partial);
    free(out->partial);
    return status;
}
