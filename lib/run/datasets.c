/* Datasets by name, for the command. */
#include "base/alloc.h"
#include "ctorch_run.h"
#include "data/dataset.h"
#include "data/fetch.h"
#include <string.h>

bool ct_dataset_list(int i, ct_dataset_info *out) {
    static ct_manifest *loaded[64]; /* their strings stay valid, as promised */
    int n;
    const char *const *name = ct_manifest_names(&n);
    if (i < 0 || i >= n || i >= CT_COUNT(loaded)) return false;
    if (!loaded[i] && ct_manifest_load(name[i], &loaded[i])) return false;
    const ct_manifest *m = loaded[i];
    *out = (ct_dataset_info){m->name, m->title, m->license, 0, m->n_files, m->classes, m->n_mirrors == 0};
    for (int k = 0; k < m->n_files; k++) out->bytes += m->file[k].size;
    return true;
}

static ct_status with_manifest(const char *name, const ct_fetch_options *o,
                               ct_status (*fn)(const ct_manifest *, const ct_fetch_args *)) {
    ct_manifest *m;
    CT_TRY(ct_manifest_load(name, &m));
    ct_fetch_args a = {o->dir, o->mirror, o->retries, o->timeout_s, o->progress, o->note, o->ctx};
    ct_status status = fn(m, &a);
    ct_manifest_free(m);
    return status;
}

ct_status ct_dataset_fetch(const char *name, const ct_fetch_options *o) { return with_manifest(name, o, ct_fetch); }
ct_status ct_dataset_verify(const char *name, const ct_fetch_options *o) {
    return with_manifest(name, o, ct_fetch_verify);
}

static ct_tensor *in_scope(const ct_tensor *t) { return ct_tensor_make(&t->layout, t->storage, t->offset); }

ct_status ct_dataset_read(const char *name, const char *split, const char *const *data_dirs, ct_tensor **x,
                          ct_tensor **y) {
    static const char *const nowhere[] = {NULL};
    ct_dataset *d;
    bool train = !strcmp(split, "train");
    if (!train && strcmp(split, "test"))
        return ct_fail(CT_FAIL, "%s: no split '%s'; there are train and test", name, split);
    ct_data_args args = {0};
    ct_keys_default(ct_data_keys, &args);
    args.dataset = name;
    CT_TRY(ct_dataset_load(&args, 0, data_dirs ? data_dirs : nowhere, &d));
    const ct_rows *s = train ? &d->train : &d->test;
    *x = in_scope(s->x);
    if (ct_ndim(*x) == 3) *x = ct_unsqueeze(*x, (ct_dim_args){1});
    *y = ct_to(in_scope(s->y), CT_I64);
    ct_dataset_free(d);
    return ct_why(*x) ? (*x)->status : ct_why(*y) ? (*y)->status : CT_OK;
}
