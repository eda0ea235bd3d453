/* Datasets by name, for the command. */
#include "base/alloc.h"
#include "ctorch_run.h"
#include "data/fetch.h"

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
ct_status ct_dataset_verify(const char *name, const ct_fetch_options *o) { return with_manifest(name, o, ct_fetch_verify); }
