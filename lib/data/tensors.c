/* A dataset out of a safetensors file: "input", "target" and other fields of N rows each are the training part, the
   same names after "test." the test part. */
#include "base/alloc.h"
#include "data/source.h"
#include "file/safetensors.h"
#include <stdio.h>
#include <string.h>

/* As batches want it: u8 and f32 as they are, other floats as f32, other integers as i64. */
static ct_status take(ct_safetensors *file, const char *path, const char *name, ct_tensor **out) {
    ct_tensor *t = ct_safetensors_get(file, name);
    ct_dtype dtype = ct_dtype_of(t);
    if (ct_why(t)) return ct_source_check(t);
    if (!ct_ndim(t) || !ct_numel(t))
        return ct_fail(CT_BAD_DATA, "%s: %s has no rows; a row a sample was expected", path, name);
    if (dtype == CT_F64 || ct_is_half(dtype))
        t = ct_to(t, CT_F32);
    else if (dtype != CT_U8 && dtype != CT_F32)
        t = ct_to(t, CT_I64);
    CT_TRY(ct_source_check(t));
    *out = ct_keep(t);
    return CT_OK;
}

static ct_status take_more(ct_safetensors *file, const char *path, const char *name, ct_dataset *d) {
    if (d->n_more == CT_MAX_MORE) return ct_fail(CT_BAD_DATA, "%s: has more than %d fields", path, CT_MAX_FIELDS);
    if (!(d->more_name[d->n_more] = ct_strdup(name))) return CT_NO_MEMORY;
    return take(file, path, name, &d->train.more[d->n_more++]);
}

static ct_status take_train(ct_safetensors *file, const char *path, ct_dataset *d) {
    for (int i = 0; i < ct_safetensors_count(file); i++) {
        const char *name = ct_safetensors_name(file, i);
        if (!strncmp(name, "test.", 5)) continue;
        if (!strcmp(name, "input"))
            CT_TRY(take(file, path, name, &d->train.x));
        else if (!strcmp(name, "target"))
            CT_TRY(take(file, path, name, &d->train.y));
        else
            CT_TRY(take_more(file, path, name, d));
    }
    return d->train.x ? CT_OK : ct_fail(CT_BAD_DATA, "%s: has no tensor 'input'", path);
}

static ct_status take_test(ct_safetensors *file, const char *path, ct_dataset *d) {
    char name[256];
    if (!ct_safetensors_has(file, "test.input")) return CT_OK;
    CT_TRY(take(file, path, "test.input", &d->test.x));
    if (d->train.y) CT_TRY(take(file, path, "test.target", &d->test.y));
    for (int i = 0; i < d->n_more; i++) {
        snprintf(name, sizeof name, "test.%s", d->more_name[i]);
        CT_TRY(take(file, path, name, &d->test.more[i]));
    }
    return CT_OK;
}

/* One more than the largest class there is. */
static ct_status count_classes(const ct_rows *s, int64_t *classes) {
    if (!s->y || ct_dtype_of(s->y) == CT_F32) return CT_OK;
    ct_tensor *y = ct_to(s->y, CT_I64);
    CT_TRY(ct_source_check(y));
    for (int64_t i = 0; i < ct_numel(y); i++) *classes = CT_MAX(*classes, ((const int64_t *)ct_data(y))[i] + 1);
    return *classes <= 100000 ? CT_OK
                              : ct_fail(CT_BAD_DATA, "class %lld is out of range: at most 100000 classes fit",
                                        (long long)*classes - 1);
}

ct_status ct_source_tensors(const ct_data_args *a, ct_dataset *d) {
    ct_safetensors *file;
    CT_TRY(ct_source_file(d, a->tensors));
    CT_TRY(ct_safetensors_open(a->tensors, &file));
    ct_status status = take_train(file, a->tensors, d);
    if (!status) status = take_test(file, a->tensors, d);
    ct_safetensors_close(file);
    CT_TRY(status);
    int64_t classes = 0;
    CT_TRY(count_classes(&d->train, &classes));
    CT_TRY(count_classes(&d->test, &classes));
    return ct_dataset_number(d, classes ? CT_MAX(classes, a->classes) : 0);
}
