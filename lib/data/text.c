/* A text as samples: windows of tokens, each token's target the next one. The tokens lie in memory once, and windows
   are views of them. Its end is the test part; a split for validation is the end of what is left. */
#include "base/alloc.h"
#include "base/hash.h"
#include "data/source.h"
#include <inttypes.h>
#include <string.h>

static const char *const kinds[] = {"char", "byte"}; /* as data.tokenizer says */

void ct_text_fields(int64_t block_size, int tokens, ct_fields *out) {
    ct_layout row = ct_layout_of(CT_I64, CT_DIMS(1, block_size));
    *out = (ct_fields){.of = {{"input", row, CT_MAX(tokens, 0)}, {"target", row, 0}}, .n = 2, .classes = tokens};
}

/* Rows of T tokens, `step` apart, from `first` on. */
static ct_status make_rows(const ct_tensor *token, int64_t first, int64_t n, int64_t T, int64_t step, ct_tensor **out) {
    ct_layout l = ct_layout_of(token->layout.dtype, CT_DIMS(n, T));
    l.stride[0] = step;
    ct_tensor *t = *out = ct_keep(ct_tensor_make(&l, token->storage, first));
    return ct_source_check(t);
}

static ct_status make_part(const ct_tensor *token, int64_t first, int64_t n, int64_t T, int64_t step, ct_rows *out) {
    CT_TRY(make_rows(token, first, n, T, step, &out->x));
    return make_rows(token, first + 1, n, T, step, &out->y);
}

static ct_status too_short(const ct_data_args *a, const char *path, int64_t n, const char *part) {
    return ct_fail(CT_BAD_DATA,
                   "%s: %" PRId64 " tokens are too few for %s: a block_size of %" PRId64 " wants at least %" PRId64,
                   path, n, part, a->block_size, a->block_size + 1);
}

static ct_status divide(const ct_data_args *a, const char *path, const ct_tensor *token, ct_dataset *d) {
    int64_t n = ct_numel(token), T = a->block_size, test = (int64_t)((double)n * a->test + 0.5);
    if (n - test <= T) return too_short(a, path, n - test, "training");
    CT_TRY(make_part(token, 0, n - test - T, T, 1, &d->train));
    if (!test) return CT_OK;
    if (test <= T) return too_short(a, path, test, "the test part (test: 0 does without)");
    return make_part(token, n - test, (test - 1) / T, T, T, &d->test);
}

static ct_status copy_tokenizer(const ct_tokenizer *t, ct_tokenizer *out) {
    *out = *t;
    if (!t->code) return CT_OK;
    if (!(out->code = ct_alloc((size_t)t->n, sizeof *out->code))) return CT_NO_MEMORY;
    memcpy(out->code, t->code, (size_t)t->n * sizeof *out->code);
    return CT_OK;
}

ct_status ct_source_text(const ct_data_args *a, const char *path, const ct_bytes *bytes, ct_dataset *d) {
    ct_tokenizer *t = &d->tokenizer;
    CT_TRY(a->tokens ? copy_tokenizer(a->tokens, t)
                     : ct_tokenizer_learn(kinds[a->tokenizer], path, bytes->data, bytes->len, t));
    if (t->n == 1) return ct_fail(CT_BAD_DATA, "%s: is one character over and over", path);
    if (!(d->class_name = ct_tokenizer_names(t))) return CT_NO_MEMORY;
    d->classes = t->n;
    ct_tensor *token = ct_tokenizer_encode(t, path, bytes->data, bytes->len);
    CT_TRY(ct_source_check(token));
    return divide(a, path, token, d);
}

ct_status ct_text_check(const ct_data_args *a) {
    return a->file ? CT_OK : ct_fail(CT_BAD_SPEC, "data: dataset text wants file, the text's path");
}

ct_status ct_source_text_file(const ct_data_args *a, ct_dataset *d) {
    CT_TRY(ct_text_check(a));
    const char *slash = strrchr(a->file, '/'), *name = slash ? slash + 1 : a->file;
    CT_TRY(ct_dataset_files(d, 1));
    if (!(d->name = ct_strdup(name)) || !(d->file_name[0] = ct_strdup(name))) return CT_NO_MEMORY;
    ct_bytes b;
    CT_TRY(ct_file_map(a->file, &b));
    ct_status status = ct_sha256_of(b.data, b.len, d->file_hash[0]);
    if (!status) status = ct_source_text(a, a->file, &b, d);
    ct_bytes_free(&b);
    return status;
}
