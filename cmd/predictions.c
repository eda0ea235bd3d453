/* eval's CSV: a row a sample, quoted as RFC 4180 says, in place only when whole. */
#include "cmd/cmd.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct ct_predictions {
    ct_output file;
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
    p->model = m;
    ct_status status = ct_output_open(path, &p->file);
    if (status) {
        free(p);
        return status;
    }
    fputs("index,file,label,prediction", p->file.f);
    for (int i = 0; i < ct_model_classes(m); i++) {
        char *head = ct_cmd_format("p_%s", ct_model_class(m, i));
        putc(',', p->file.f);
        ct_csv_field(p->file.f, head);
        free(head);
    }
    fputs("\r\n", p->file.f);
    *out = p;
    return CT_OK;
}

void ct_predictions_add(ct_predictions *p, int64_t i, const char *file, int label, int prediction,
                        const float *probability) {
    fprintf(p->file.f, "%" PRId64 ",", i);
    ct_csv_field(p->file.f, file ? file : "");
    putc(',', p->file.f);
    ct_csv_field(p->file.f, ct_model_class(p->model, label));
    putc(',', p->file.f);
    ct_csv_field(p->file.f, ct_model_class(p->model, prediction));
    for (int k = 0; k < ct_model_classes(p->model); k++) fprintf(p->file.f, ",%.6g", (double)probability[k]);
    fputs("\r\n", p->file.f);
}

ct_status ct_predictions_close(ct_predictions *p, ct_status status) {
    status = ct_output_close(&p->file, status);
    free(p);
    return status;
}
