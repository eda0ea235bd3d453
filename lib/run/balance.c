/* class_weights: balanced, from the classes of the samples that are trained on. */
#include "base/alloc.h"
#include "data/loader.h"
#include "run/train.h"

static ct_status count_classes(const ct_run *r, const ct_loss *l, int64_t *count) {
    const ct_tensor *y = r->data->train.y;
    int64_t each = 1, ignored = ct_loss_ignored(l);
    for (int d = 1; d < y->layout.ndim; d++) each *= y->layout.size[d];
    int64_t *class = ct_alloc((size_t)each, sizeof *class);
    ct_status status = class ? CT_OK : CT_NO_MEMORY;
    for (int64_t n = 0; !status && n < r->parts.n_train; n++) {
        status = ct_batch_numbers(y, &r->parts.train[n], 1, class);
        for (int64_t i = 0; !status && i < each; i++)
            if (class[i] >= 0 && class[i] < r -> data -> classes &&class[i] != ignored) count[class[i]]++;
    }
    ct_free(class);
    return status;
}

/* Every class that counts must be there: one that is not would weigh infinitely much. */
static ct_status balance(const ct_run *r, ct_loss *l, int64_t *count) {
    const ct_dataset *data = r->data;
    CT_TRY(count_classes(r, l, count));
    for (int c = 0; c < data->classes; c++)
        if (!count[c])
            return ct_fail(CT_BAD_DATA, "%s: no sample of class %s is trained on, so it has no balanced class_weight",
                           data->name, data->class_name[c]);
    return ct_loss_balance(r->spec->doc, l, count, data->classes);
}

ct_status ct_run_balance(ct_run *r) {
    const ct_dataset *data = r->data;
    ct_status status = CT_OK;
    for (int i = 0; !status && i < r->spec->n_losses; i++) {
        ct_loss *l = &r->spec->loss[i];
        if (!l->weights || l->class_weight) continue;
        if (!data->train.y || !data->classes || data->tokenizer.n)
            return ct_fail(CT_BAD_SPEC,
                           "%s: class_weights: balanced wants samples that have classes; those of %s have none",
                           l->name, data->name);
        int64_t *count = ct_alloc((size_t)data->classes, sizeof *count);
        status = count ? balance(r, l, count) : CT_NO_MEMORY;
        ct_free(count);
    }
    return status;
}
