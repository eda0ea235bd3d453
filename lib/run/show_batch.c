/* A batch as a model gets it. */
#include "base/alloc.h"
#include "base/clock.h"
#include "run/show.h"
#include "run/train.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const ct_field *target_of(const ct_run *r) {
    return r->net.target < 0 ? NULL : &r->net.fields.of[r->net.target];
}

static bool are_images(const ct_run *r) {
    const ct_layout *l = &r->net.fields.of[0].layout;
    return l->ndim == 4 && l->dtype == CT_F32 && (l->size[1] == 1 || l->size[1] == 3);
}

/* The normalised floats, channels-last, as bytes in planes. */
static ct_status take_images(const ct_run *r, ct_batch_report *out) {
    const ct_layout *l = &r->net.fields.of[0].layout;
    int64_t C = l->size[1], H = l->size[2], W = l->size[3];
    const float *x = ct_step_field(r->step, 0);
    out->images = ct_keep(ct_empty(CT_U8, CT_DIMS(out->n, C, H, W)));
    if (ct_why(out->images)) return ct_fail(out->images->status, "%s", ct_why(out->images));
    unsigned char *to = ct_data(out->images);
    for (int64_t i = 0; i < out->n * H * W; i++)
        for (int64_t c = 0; c < C; c++) {
            float v = x[i * C + c] * r->norm.std[c] + r->norm.mean[c];
            to[(i / (H * W) * C + c) * H * W + i % (H * W)] = (unsigned char)lrintf(fminf(fmaxf(v, 0), 1) * 255);
        }
    return CT_OK;
}

static ct_status take_masks(const ct_run *r, ct_batch_report *out) {
    const ct_field *t = target_of(r);
    if (!t || t->layout.ndim != 3 || t->layout.dtype != CT_I64) return CT_OK;
    out->masks = ct_keep(
        ct_from(CT_I64, CT_DIMS(out->n, t->layout.size[1], t->layout.size[2]), ct_step_field(r->step, r->net.target)));
    return ct_why(out->masks) ? ct_fail(out->masks->status, "%s", ct_why(out->masks)) : CT_OK;
}

/* A class, or a value, of the whole sample. */
static void write_label(const ct_run *r, int64_t i, ct_buf *out) {
    const ct_field *t = target_of(r);
    const void *at = t ? ct_step_field(r->step, r->net.target) : NULL;
    if (!t || ct_layout_numel(&t->layout) != t->layout.size[0]) return;
    if (t->layout.dtype == CT_F32) {
        ct_buf_printf(out, "%.4g", (double)((const float *)at)[i]);
        return;
    }
    int64_t class = ((const int64_t *)at)[i];
    if (class >= 0 && class < r->data->classes)
        ct_buf_puts(out, r->data->class_name[class]);
    else
        ct_buf_printf(out, "%lld", (long long)class);
}

static void write_tokens(const ct_run *r, int64_t i, ct_buf *out) {
    int64_t T = r->net.fields.of[0].layout.size[1];
    const int64_t *x = (const int64_t *)ct_step_field(r->step, 0) + i * T;
    for (int64_t k = 0; k < T; k++) {
        char bytes[4];
        ct_buf_add(out, bytes, (size_t)ct_tokenizer_decode(&r->data->tokenizer, x[k], bytes));
    }
}

static ct_status take_labels(const ct_run *r, void (*write)(const ct_run *, int64_t, ct_buf *), ct_batch_report *out) {
    if (!(out->label = ct_alloc((size_t)out->n, sizeof *out->label))) return CT_NO_MEMORY;
    for (int64_t i = 0; i < out->n; i++) {
        ct_buf b = CT_BUF(16 << 20);
        write(r, i, &b);
        ct_buf_puts(&b, "");
        out->label[i] = b.data;
        CT_TRY(ct_buf_status(&b));
    }
    return CT_OK;
}

static ct_status take(ct_run *r, ct_batch_report *out) {
    ct_samples of = {&r->data->train, &r->norm, r->order, r->parts.n_train, r->augment, 0};
    out->n = CT_MIN(r->spec->train.batch_size, r->parts.n_train);
    CT_TRY(ct_run_order(r));
    CT_TRY(ct_samples_load(&of, 0, out->n, r->step));
    if (r->data->tokenizer.kind) return take_labels(r, write_tokens, out);
    if (!are_images(r)) return ct_fail(CT_FAIL, "%s: its samples are neither images nor text", r->data->name);
    CT_TRY(take_images(r, out));
    CT_TRY(take_masks(r, out));
    return take_labels(r, write_label, out);
}

ct_status ct_show_batch(ct_show *s, ct_batch_report *out) {
    ct_train_report unused;
    ct_train_options options = {.data_dirs = s->data_dirs};
    ct_run r = ct_run_begin(s->given.spec, &options, &unused);
    *out = (ct_batch_report){0};
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_status status = ct_run_make(&r, false, NULL);
    if (!status) status = take(&r, out);
    ct_run_free(&r);
    ct_status closed = ct_scope_close(scope);
    if (!status) status = closed;
    if (status) ct_batch_report_free(out);
    return status;
}

void ct_batch_report_free(ct_batch_report *r) {
    ct_drop(r->images), ct_drop(r->masks);
    for (int64_t i = 0; r->label && i < r->n; i++) ct_free(r->label[i]);
    ct_free(r->label);
    *r = (ct_batch_report){0};
}
