/* eval's CSV: a row a sample, quoted as RFC 4180 says, in place only when whole. */
#include "cmd/cmd.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ct_predictions {
    const char *path;
    char *partial; /* PATH.tmp */
    FILE *out;
    const ct_model *model;
};

void ct_csv_field(FILE *out, const char *text) {
    if (!strpbrk(text, "\",\r\n")) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"') putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

ct_status ct_predictions_open(const char *path, const ct_model *m, ct_predictions **out) {
    ct_predictions *p = ct_cmd_alloc(1, sizeof *p);
    *p = (ct_predictions){.path = path, .partial = ct_cmd_format("%s.tmp", path), .model = m};
    if (!(p->out = fopen(p->partial, "we"))) {
        ct_say(CT_FAIL, "%s: cannot be written: %s", p->partial, strerror(errno));
        free(p->partial);
        free(p);
        return CT_FAIL;
    }
    fputs("index,file,label,prediction", p->out);
    for (int i = 0; i < ct_model_classes(m); i++) {
        char *head = ct_cmd_format("p_%s", ct_model_class(m, i));
        putc(',', p->out);
        ct_csv_field(p->out, head);
        free(head);
    }
    fputs("\r\n", p->out);
    *out = p;
    return CT_OK;
}

void ct_predictions_add(ct_predictions *p, int64_t i, const char *file, int label, int prediction,
                        const float *probability) {
    fprintf(p->out, "%" PRId64 ",", i);
    ct_csv_field(p->out, file ? file : "");
    putc(',', p->out);
    ct_csv_field(p->out, ct_model_class(p->model, label));
    putc(',', p->out);
    ct_csv_field(p->out, ct_model_class(p->model, prediction));
    for (int k = 0; k < ct_model_classes(p->model); k++) fprintf(p->out, ",%.6g", (double)probability[k]);
    fputs("\r\n", p->out);
}

ct_status ct_predictions_close(ct_predictions *p, ct_status status) {
    errno = 0;
    bool whole = !fflush(p->out) && !ferror(p->out) && !fsync(fileno(p->out));
    whole = !fclose(p->out) && whole;
    if (!status && (!whole || rename(p->partial, p->path)))
        status = ct_say(CT_FAIL, "%s: cannot be written: %s", p->path, strerror(errno ? errno : EIO));
    if (status) unlink(p->partial);
    free(p->partial);
    free(p);
    return status;
}
