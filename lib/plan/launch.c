#include "plan/launch.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include <string.h>

/* The layouts of an item's own inputs and outputs, as a call that ct_free(call.in) ends. */
static ct_status call_of(const ct_stage *item, ct_call *call) {
    ct_layout *l = ct_alloc((size_t)(item->own_in + item->own_out), sizeof *l);
    if (!l) return CT_NO_MEMORY;
    for (int i = 0; i < item->own_in; i++) l[i] = item->use[i].layout;
    for (int i = 0; i < item->own_out; i++) l[item->own_in + i] = item->use[item->n_in + i].layout;
    *call = (ct_call){item->op, item->own_in, item->own_out, l, l + item->own_in, item->args, item->bf16, item->direct};
    return CT_OK;
}

ct_row_fn ct_stage_row(const ct_stage *item) {
    ct_layout l[CT_POINTWISE_IN + 1];
    if (item->op == CT_CHAIN || item->own_out != 1 || item->own_in > CT_POINTWISE_IN) return NULL;
    for (int i = 0; i < item->own_in; i++) l[i] = item->use[i].layout;
    l[item->own_in] = item->use[item->n_in].layout;
    return ct_kernel_row(&(ct_call){item->op, item->own_in, 1, l, l + item->own_in, item->args, .bf16 = item->bf16});
}

ct_status ct_stage_takes(const ct_stage *item, ct_takes *out) {
    const ct_kernel *kernel;
    void *state = NULL;
    size_t workspace;
    ct_call call;
    *out = (ct_takes){0};
    if (item->op < 0) return CT_OK;
    CT_TRY(call_of(item, &call));
    ct_status status = ct_kernel_pick(&call, &kernel, &state, &workspace);
    if (!status) {
        out->items = kernel->begin != NULL;
        out->heads = kernel->heads && kernel->heads(&call, state);
        out->watches = kernel->watches != NULL;
        out->tails = kernel->tails && kernel->tails(&call, state, &workspace);
    }
    if (state) (kernel->release ? kernel->release : ct_free)(state);
    ct_free((void *)call.in);
    return status;
}

/* What part k reads: a part of its chain before it, which begins at `first`, or one of item's uses. */
static int address_of(const ct_stage *item, int first, int k, const ct_use *u) {
    if (u->value < 0) return CT_ABSENT;
    for (int j = k - 1; j >= first; j--)
        if (item->part[j].use[item->part[j].n_in].value == u->value) return first - 1 - j;
    for (int i = 0; i < item->n_in; i++)
        if (ct_use_same(&item->use[i], u)) return i;
    return item->n_in; /* the result that the parts follow */
}

static void part_of(const ct_stage *item, int first, int k, ct_chain_part *to) {
    const ct_stage *from = &item->part[k];
    const ct_use *y = &from->use[from->n_in];
    *to = (ct_chain_part){
        .row = ct_stage_row(from), .args = from->args, .space = y->layout, .n_in = from->n_in, .out = -1, .stream = -1};
    for (int i = 0; i < from->n_in; i++)
        to->in[i] = address_of(item, first, k, &from->use[i]), to->layout[i] = from->use[i].layout;
    if (ct_op_get(from->op)->flags & CT_RANDOM) to->stream = to->in[1], to->in[1] = CT_ABSENT;
    if (item->n_head && y->value == item->head_value) to->out = item->n_in + item->n_out;
    for (int i = item->n_in; i < item->n_in + item->n_out; i++)
        if (item->use[i].value == y->value) to->out = i;
}

/* Of parts [first, end); NULL if there are none. */
static ct_status chain_of(const ct_stage *item, int first, int end, ct_chain **out) {
    ct_chain_part part[CT_CHAIN_PARTS];
    for (int k = first; k < end; k++) part_of(item, first, k, &part[k - first]);
    return end > first ? ct_chain_new(part, end - first, out) : CT_OK;
}

/* The kernel's weight in a form of its own, where it wants one and the program lets it. */
static ct_status keep(const ct_program *p, const ct_stage *item, ct_kept **list, ct_launch *l, size_t *workspace) {
    const ct_use *weight = &item->use[1];
    if (!list || !l->kernel || !l->kernel->keeps || !ct_kept_can(p, weight)) return CT_OK;
    ct_kept k = {.of = p->value[weight->value].storage, weight->offset, weight->layout, l->kernel, item->bf16};
    k.bytes = l->kernel->keeps(&l->call, l->state, workspace, &k.form);
    if (k.bytes && !(l->kept = ct_kept_share(list, &k))) return CT_NO_MEMORY;
    return CT_OK;
}

static ct_status launch_one(const ct_program *p, const ct_stage *item, ct_kept **kept, ct_launch *l,
                            size_t *workspace) {
    *l = (ct_launch){.n_in = item->n_in, .n = item->n_in + item->n_out};
    *workspace = 0;
    if (!(l->at = ct_alloc((size_t)l->n + 1, sizeof *l->at))) return CT_NO_MEMORY;
    CT_TRY(call_of(item, &l->call));
    if (item->op != CT_CHAIN) CT_TRY(ct_kernel_pick(&l->call, &l->kernel, &l->state, workspace));
    if (l->kernel && (item->told || item->n_parts > item->n_head)) l->kernel->tails(&l->call, l->state, workspace);
    l->watches = item->watches;
    CT_TRY(keep(p, item, kept, l, workspace));
    for (int i = item->n_in; i < l->n; i++)
        if (item->n_head && item->use[i].value == item->head_value) l->stays = i;
    CT_TRY(chain_of(item, 0, item->n_head, &l->head));
    return chain_of(item, item->n_head, item->n_parts, &l->chain);
}

ct_status ct_launch_new(const ct_program *p, const ct_stage *item, ct_kept **kept, ct_launch *l, size_t *workspace) {
    int n;
    const ct_stage *of = ct_stage_items(item, &n);
    CT_TRY(launch_one(p, of, kept, l, workspace));
    if (n > 1 && !(l->beside = ct_alloc((size_t)n - 1, sizeof *l->beside))) return CT_NO_MEMORY;
    while (l->n_beside < n - 1) {
        ct_launch *b = &l->beside[l->n_beside++];
        size_t bytes, begin = (*workspace + CT_PLACE_ALIGN - 1) / CT_PLACE_ALIGN * CT_PLACE_ALIGN;
        CT_TRY(launch_one(p, &of[l->n_beside], kept, b, &bytes));
        b->workspace = begin, *workspace = begin + bytes;
    }
    return CT_OK;
}

ct_status ct_launch_ready(ct_launch *l) {
    bool stale = false;
    for (int i = 0; i < l->n_beside; i++) CT_TRY(ct_launch_ready(&l->beside[i]));
    if (l->watches && !l->kernel->watches(l->state)) return CT_NO_MEMORY;
    if (l->kept) CT_TRY(ct_kept_stale(l->kept, &stale));
    if (stale) l->kernel->keep(l->state, l->at[1], l->kept->data);
    return CT_OK;
}

void ct_launch_watch(ct_launch *l, ct_launch *by) { by->another = l->watcher, l->watcher = by; }

static const void *const *inputs(const ct_launch *l) { return (const void *const *)l->at; }

static void run_tail(void *ctx, int64_t begin, int64_t end) {
    const ct_launch *l = ctx;
    if (l->chain) ct_chain_range(l->chain, l->at, begin, end);
    for (const ct_launch *w = l->watcher; w; w = w->another) w->kernel->watched(w->state, inputs(w), begin, end);
}

/* Into `room`, unless the value has memory. */
static const float *run_head(void *ctx, int64_t begin, int64_t n, float *room) {
    const ct_launch *l = ctx;
    void *at[CT_CHAIN_OPERANDS + 1];
    memcpy(at, l->at, (size_t)l->n * sizeof *at);
    at[l->n] = (void *)((uintptr_t)room - (uintptr_t)begin * sizeof *room);
    ct_chain_range(l->head, at, begin, begin + n);
    return l->stays ? (const float *)at[l->stays] + begin : room;
}

/* What a run of a launch's kernel is given. */
typedef struct run {
    const ct_launch *l;
    ct_tail tail;
    ct_head head;
    ct_exec exec;
    int64_t items; /* of what runs beside another: the kernel's, or one for all of it */
    ct_items_room room;
} run;

static void run_begin(const ct_launch *l, char *workspace, _Atomic int64_t *bad, run *r) {
    r->l = l, r->items = 1;
    r->tail = (ct_tail){run_tail, (void *)l, l->at[l->n_in], {NULL}};
    if (l->kernel && l->chain) ct_chain_reads(l->chain, l->at, l->n_in, CT_TAIL_READS, r->tail.reads);
    r->head = (ct_head){run_head, (void *)l};
    const ct_tail *tail = l->chain || l->watcher ? &r->tail : NULL;
    r->exec = (ct_exec){workspace + l->workspace, bad, tail, l->head ? &r->head : NULL, l->kept ? l->kept->data : NULL};
}

static bool in_items(const ct_launch *l) { return l->kernel && l->kernel->begin; }

static void run_whole(const run *r) {
    const ct_launch *l = r->l;
    if (l->kernel)
        l->kernel->run(&r->exec, &l->call, l->state, inputs(l), l->at + l->n_in);
    else
        ct_chain_run(l->chain, l->at);
}

/* Items of all that runs beside the first. */
static void run_beside(void *ctx, int64_t begin, int64_t end) {
    for (run *r = ctx; end > 0; end -= r->items, begin = CT_MAX(begin - r->items, 0), r++) {
        int64_t stop = CT_MIN(end, r->items);
        if (begin >= stop) continue;
        if (in_items(r->l))
            r->l->kernel->items(r->room.bytes, begin, stop);
        else
            run_whole(r);
    }
}

void ct_launch_run(const ct_launch *l, void *workspace, _Atomic int64_t *bad) {
    run first, beside[CT_LAUNCH_BESIDE];
    int64_t items = 0;
    run_begin(l, workspace, bad, &first);
    for (int i = 0; i < l->n_beside; i++) {
        const ct_launch *b = &l->beside[i];
        run *r = &beside[i];
        run_begin(b, workspace, bad, r);
        if (in_items(b))
            r->items = b->kernel->begin(&r->exec, &b->call, b->state, inputs(b), b->at + b->n_in, &r->room);
        items += r->items;
    }
    ct_parallel_beside(items, run_beside, beside);
    run_whole(&first);
    ct_parallel_beside_end();
}

void ct_launch_free(ct_launch *l) {
    for (int i = 0; i < l->n_beside; i++) ct_launch_free(&l->beside[i]);
    ct_kept_drop(l->kept);
    if (l->state) (l->kernel->release ? l->kernel->release : ct_free)(l->state);
    ct_free((void *)l->call.in), ct_free(l->chain), ct_free(l->head), ct_free(l->at), ct_free(l->beside);
    *l = (ct_launch){0};
}
