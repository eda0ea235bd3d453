/* A net as a tree of parts, each of which knows whose results it reads. */
#ifndef CT_RUN_PARTS_H
#define CT_RUN_PARTS_H
#include "run/net.h"

/* The results of a net's layers, in the order in which they were built. */
typedef struct ct_outputs {
    char (*text)[64];
    size_t n, cap;
    bool failed; /* for memory */
} ct_outputs;    /* starts zeroed */
/* A ct_layer_seen whose ctx is one. */
void ct_outputs_add(void *ctx, const ct_module *m, const ct_layout *in, const ct_layout *out);

/* out->part is to be ct_free'd also on failure. */
ct_status ct_parts_of(const ct_net *net, const ct_outputs *outputs, ct_parts *out);
#endif
