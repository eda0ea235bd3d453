/* A node is one use of an op; autograd walks it backwards, a plan replays it. */
#ifndef CT_GRAPH_NODE_H
#define CT_GRAPH_NODE_H
#include "graph/op.h"

typedef struct ct_node {
    _Atomic int refs;
    uint64_t seq; /* rises with every node of the process: an order that respects who reads whom */
    const ct_op *op;
    void *args;
    int n_in, n_out;
    ct_tensor **in;    /* aliases of the inputs (NULL: absent): whole where the gradient reads them, else shells */
    ct_tensor **leaf;  /* an input that collects its gradient: the handle itself */
    uint32_t *version; /* of each input's content when it was read, then of each output's when it was made */
    ct_hook_entry *hooks;
    bool quiet;                /* made under no_grad, for a capture */
    bool again;                /* made where a checkpoint ran again */
    bool direct;               /* made where ct_winograd was off */
    bool bf16;                 /* made under autocast: its products, and its gradient's, may round to bf16 */
    bool freed;                /* a backward has passed and kept nothing */
    struct ct_node *next_dead; /* while it waits to be released */
    ct_tensor *out;            /* n_out of them, without a node: whole where the gradient reads them (or a capture) */
} ct_node;

/* A node with references to what it keeps. all: keep everything whole. NULL: no memory. */
ct_node *ct_node_new(const ct_op *op, ct_tensor *const *in, int n_in, const void *args, ct_tensor *const *out,
                     int n_out, bool all);
/* Lets go of what the gradient would read. */
void ct_node_free_saved(ct_node *n);
/* Makes `op` what `t` came from, in place of whatever it came from before; only inputs that the row saves are kept. */
ct_status ct_node_attach(ct_tensor *t, const ct_op *op, ct_tensor *const *in, int n_in, const void *args);
/* t comes from where `from` comes from. */
void ct_node_adopt(ct_tensor *t, const ct_tensor *from);
uint64_t ct_node_newest(void); /* the largest seq so far */
void ct_node_ref(ct_node *n);
void ct_node_unref(ct_node *n);

/* What a capture collects: every node in order, and which tensors were given a new value. */
typedef struct ct_binding {
    ct_tensor *slot;    /* a tensor that was there before, referenced */
    ct_storage *before; /* its own memory */
    ct_storage *after;  /* where its new value was made */
    uint32_t followed;  /* by `before`: within the capture its other handles have a value of the past */
    int64_t offset_before, offset_after;
    ct_layout layout_before, layout_after;
} ct_binding;

typedef struct ct_graph {
    ct_node **node;
    ct_binding *binding;
    size_t n, cap, n_bindings, cap_bindings;
    struct ct_graph *outer; /* the capture that was open before */
} ct_graph;

/* Between these, this thread's ops run on shapes only and are appended to `g`, the innermost one; slots get their own
   memory back at the end. */
ct_status ct_capture_begin(ct_graph *g);
ct_status ct_capture_end(ct_graph *g);
ct_graph *ct_capturing(void); /* this thread's, or NULL */
ct_status ct_graph_add(ct_graph *g, ct_node *n);
ct_status ct_graph_bind(ct_graph *g, ct_tensor *slot, ct_tensor *value);
void ct_graph_free(ct_graph *g);
#endif
