/* What a model says of images. */
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

static ct_status predict(ct_model *m, const ct_tensor *images, use use, void *out) {
    const ct_layout *l = &images->layout, *input = &m->fields.of[0].layout;
    if (ct_why(images)) return ct_fail(images->status, "%s", ct_why(images));
    if (l->ndim != input->ndim || memcmp(l->size + 1, input->size + 1, (size_t)(l->ndim - 1) * sizeof l->size[0]))
        return ct_fail(CT_FAIL, "predict: the images' shape is not what the model takes");
    ct_rows split = {.x = (ct_tensor *)images};
    ct_samples s = {.split = &split, .norm = &m->norm, .n = l->size[0]};
    int64_t batch = ct_net_batch(&m->net, s.n), rows = ct_net_rows(&m->net);
    ct_step *step;
    CT_TRY(ct_model_step(m, batch, &step));
    for (int64_t first = 0; first < s.n; first += batch) {
        int64_t n = CT_MIN(batch, s.n - first);
        ct_step_result r;
        CT_TRY(ct_samples_load(&s, first, n, step));
        CT_TRY(ct_step_eval(step, n, false, &r));
        for (int64_t i = 0; i < n * rows; i++) use(r.output + i * m->classes, m->classes, first * rows + i, out);
    }
    return CT_OK;
}

ct_status ct_model_predict(ct_model *m, const ct_tensor *images, float *out) {
    if (ct_model_classifies(m)) return predict(m, images, take_probabilities, out);
    return ct_fail(CT_FAIL, "%s: gives no class for an image, so it cannot predict one", m->path);
}

ct_status ct_model_predict_masks(ct_model *m, const ct_tensor *images, unsigned char *out) {
    int64_t size[2];
    if (ct_model_mask(m, size)) return predict(m, images, take_class, out);
    return ct_fail(CT_FAIL, "%s: gives no class for each pixel of an image", m->path);
}
