/* Making layers of text for tests: inputs "2x3" of floats, "i7:2x3" of integers under 7, "b:2x3" of bools, "-" absent,
   all functions of place alone. */
#ifndef CT_TESTS_NN_MAKE_H
#define CT_TESTS_NN_MAKE_H
#include "base/alloc.h"
#include "check.h"
#include "nn/module.h"
#include "yaml/read.h"
#include <stdlib.h>

static inline ct_dims read_dims(const char *s, const char *end) {
    ct_dims d = {0};
    for (char *next; s < end && d.n < CT_MAX_DIMS; s = next + 1) d.v[d.n++] = strtoll(s, &next, 10);
    return d;
}

static inline ct_tensor *make_input(const char *s, const char *end, int i) {
    const char *colon = memchr(s, ':', (size_t)(end - s));
    if (*s == '-') return NULL;
    int64_t below = *s == 'i' ? strtoll(s + 1, NULL, 10) : 0;
    ct_dtype dtype = *s == 'i' ? CT_I64 : *s == 'b' ? CT_BOOL : CT_F32;
    ct_tensor *t = ct_empty(dtype, read_dims(colon ? colon + 1 : s, end));
    for (int64_t k = 0; k < ct_numel(t); k++) {
        double v = (double)((k * 7 + 3 * i) % 11) / 10 - 0.45;
        if (dtype == CT_I64) v = (double)((k * 7 + 3) % below);
        if (dtype == CT_BOOL) v = k * 7 % 5 == 2;
        ct_element_set(dtype, ct_data(t), k, v);
    }
    return t;
}

static inline int make_inputs(const char *s, ct_tensor **in) {
    int n = 0;
    for (const char *end; *s; s = *end ? end + 1 : end, n++) {
        end = s + strcspn(s, " ");
        in[n] = make_input(s, end, n);
    }
    return n;
}

/* A list with layer "m" in it, or NULL. */
static inline ct_module *make_from(const char *layer, const char *args, ct_tensor *const *in, int n, uint64_t seed,
                                   ct_begin begin) {
    const ct_layer *l = ct_layer_find(layer);
    if (!CHECK(l)) return NULL;
    ct_layout layout[CT_MAX_IN] = {0};
    for (int i = 0; i < n; i++)
        if (in[i]) layout[i] = in[i]->layout;
    void *a = ct_alloc(1, l->kind.args_size);
    ct_module *m = ct_module_list("", seed);
    m->begin = begin;
    ct_status status = ct_read_args_text(l->kind.keys, args, a);
    if (!status) status = ct_module_add_all(m, l, "m", a, layout, n);
    ct_free(a);
    if (!status) return m;
    ct_module_free(m);
    return NULL;
}

static inline ct_module *make(const char *layer, const char *args, const char *inputs, uint64_t seed) {
    ct_tensor *in[CT_MAX_IN];
    int n = make_inputs(inputs, in);
    return make_from(layer, args, in, n, seed, CT_BEGIN_DRAWN);
}

static inline ct_param *param(ct_module *m, const char *name) {
    static ct_entry e[64];
    ct_module_entries(m, e);
    for (int i = 0; i < ct_module_count(m); i++)
        if (!strcmp(e[i].name + 2, name)) return e[i].param; /* without "m." */
    return NULL;
}

static inline const float *values(ct_module *m, const char *name) {
    ct_param *p = param(m, name);
    return CHECK(p) ? ct_data(p->tensor) : NULL;
}

static inline double distance(ct_tensor *a, ct_tensor *b) {
    int64_t n = ct_numel(a);
    if (n != ct_numel(b)) return INFINITY;
    double *x = calloc(2 * (size_t)n + 1, sizeof *x), *y = x + n, diff = 0, norm = 1e-6;
    if (ct_copy_out(a, CT_F64, x) || ct_copy_out(b, CT_F64, y)) diff = INFINITY;
    for (int64_t i = 0; i < n; i++) diff += (x[i] - y[i]) * (x[i] - y[i]), norm += y[i] * y[i];
    free(x);
    return sqrt(diff / norm);
}

#endif
