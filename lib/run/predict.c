/* What a model says of images, and of tables. */
#include "base/alloc.h"
#include "run/model.h"
#include <string.h>

/* What becomes of a result: `row` is a sample's n scores. */
typedef void (*use)(const float *row, int n, int64_t at, void *out);

static void take_probabilities(const float *row, int n, int64_t at, void *out) {
    ct_softmax_row(row, n, (float *)out + at * n);
}

static void take_class(const float *row, int n, int64_t at, void *out) {
    ((unsigned char *)out)[at] = (unsigned char)ct_argmax_row(row, n);
}

/* Each sample's scores, or what the model gives for it. */
static ct_status predict(ct_model *m, const ct_rows *split, use use, void *out) {
    const ct_net *net = &m->net;
    const ct_layout *result = &net->value[net->n_values - 1].layout;
    int64_t n_all = ct_size(split->x, 0), rows = net->scores < 0 ? 1 : ct_net_rows(net);
    int64_t width = net->scores < 0 ? ct_layout_numel(result) / result->size[0] : m->classes;
    ct_samples s = {.split = split, .norm = &m->norm, .n = n_all};
    int64_t batch = ct_net_batch(net, n_all);
    ct_step *step;
    CT_TRY(ct_model_step(m, batch, &step));
    for (int64_t first = 0; first < n_all; first += batch) {
        int64_t n = CT_MIN(batch, n_all - first);
        ct_step_result r;
        CT_TRY(ct_samples_load(&s, first, n, step));
        CT_TRY(ct_step_eval(step, n, false, &r));
        for (int64_t i = 0; i < n * rows; i++) use(r.output + i * width, (int)width, first * rows + i, out);
    }
    return CT_OK;
}

/* ---- images ---- */

static ct_status predict_images(ct_model *m, const ct_tensor *images, use use, void *out) {
    const ct_layout *l = &images->layout, *input = &m->fields.of[0].layout;
    if (ct_why(images)) return ct_fail(images->status, "%s", ct_why(images));
    if (l->ndim != input->ndim || memcmp(l->size + 1, input->size + 1, (size_t)(l->ndim - 1) * sizeof l->size[0]))
        return ct_fail(CT_FAIL, "predict: the images' shape is not what the model takes");
    return predict(m, &(ct_rows){.x = (ct_tensor *)images}, use, out);
}

ct_status ct_model_predict(ct_model *m, const ct_tensor *images, float *out) {
    if (ct_model_classifies(m)) return predict_images(m, images, take_probabilities, out);
    return ct_fail(CT_FAIL, "%s: gives no class for an image, so it cannot predict one", m->path);
}

ct_status ct_model_predict_masks(ct_model *m, const ct_tensor *images, unsigned char *out) {
    int64_t size[2];
    if (ct_model_mask(m, size)) return predict_images(m, images, take_class, out);
    return ct_fail(CT_FAIL, "%s: gives no class for each pixel of an image", m->path);
}

/* ---- tables ---- */

bool ct_model_table(const ct_model *m) { return m->table.n > 0; }

typedef struct listener {
    const ct_rows *rows;
    bool classes;
    float *probability;
    ct_row_seen seen;
    void *ctx;
} listener;

static void tell(const float *row, int n, int64_t at, void *out) {
    const listener *l = out;
    if (l->classes) ct_softmax_row(row, n, l->probability);
    l->seen(l->ctx, l->rows->file[at], l->classes ? l->probability : row, n);
}

ct_status ct_model_predict_table(ct_model *m, const char *path, ct_row_seen row, void *ctx) {
    ct_data_args args = m->spec->data;
    ct_dataset *d;
    if (!ct_model_table(m)) return ct_fail(CT_FAIL, "%s: was not trained on a table", m->path);
    args.csv = path, args.dataset = NULL, args.table = &m->table, args.inputs_only = true, args.test = 0;
    CT_TRY(ct_dataset_load(&args, 0, NULL, &d));
    listener l = {&d->train, ct_model_classifies(m), ct_alloc((size_t)m->classes, sizeof(float)), row, ctx};
    ct_status status = l.probability ? predict(m, &d->train, tell, &l) : CT_NO_MEMORY;
    ct_free(l.probability);
    ct_dataset_free(d);
    return status;
}
