#include "plan/plan.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "plan/launch.h"
#include "plan/pass.h"
#include "plan/share.h"

struct ct_plan {
    ct_program program;
    ct_launch *launch;       /* one an item */
    size_t bytes, workspace; /* of values in the arena, then of the kernels */
    ct_arena *arena;
    unsigned moved;
};

/* The launch among those of item k that is of its i-th. */
static ct_launch *launch_of(const ct_plan *p, int k, int i) { return i ? &p->launch[k].beside[i - 1] : &p->launch[k]; }

/* Who watches is made known to who makes its first input, before item k. */
static void link_watcher(ct_plan *p, int k, const ct_use *use, ct_launch *by) {
    while (--k >= 0) {
        int n;
        const ct_stage *of = ct_stage_items(&p->program.item[k], &n);
        for (int i = 0; i < n; i++)
            if (of[i].told && ct_stage_makes(&of[i], use->value)) {
                ct_launch_watch(launch_of(p, k, i), by);
                return;
            }
    }
}

static void link_watchers(ct_plan *p) {
    for (int k = 0; k < p->program.n_items; k++) {
        int n;
        const ct_stage *of = ct_stage_items(&p->program.item[k], &n);
        for (int i = 0; i < n; i++)
            if (of[i].watches) link_watcher(p, k, &of[i].use[0], launch_of(p, k, i));
    }
}

/* keeps: as in the options. */
static ct_status prepare(ct_plan *p, bool keeps) {
    const ct_program *g = &p->program;
    if (!(p->launch = ct_alloc((size_t)g->n_items, sizeof *p->launch))) return CT_NO_MEMORY;
    for (int k = 0; k < g->n_items; k++) {
        size_t bytes;
        CT_TRY(ct_launch_new(g, &g->item[k], keeps ? &p->arena->kept : NULL, &p->launch[k], &bytes));
        p->workspace = CT_MAX(p->workspace, bytes);
    }
    link_watchers(p);
    return CT_OK;
}

static ct_status build(ct_plan *p, const ct_plan_options *opt) {
    ct_program *g = &p->program;
    if (opt && opt->before) ct_program_text(g, opt->before);
    CT_TRY(ct_passes_run(g, opt ? opt->off : 0, opt ? opt->watch : NULL));
    ct_program_share(g);
    if (opt && opt->after) ct_program_text(g, opt->after);
    CT_TRY(prepare(p, opt && opt->keeps));
    return ct_place(g->value, g->n_values, &p->bytes);
}

ct_status ct_plan_new(ct_graph *g, ct_tensor *const *keep, int n_keep, ct_arena *arena, const ct_plan_options *opt,
                      ct_plan **out) {
    ct_plan *p = ct_alloc(1, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    p->arena = arena, p->moved = arena->moved - 1;
    ct_status status = ct_program_new(g, keep, n_keep, &p->program);
    if (!status) status = build(p, opt);
    if (status)
        ct_plan_free(p);
    else
        *out = p;
    return status;
}

ct_status ct_plan_capture(ct_status (*fn)(void *ctx, ct_tensor **keep), void *ctx, int n_keep, ct_arena *arena,
                          const ct_plan_options *opt, ct_plan **out) {
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_graph g;
    ct_tensor *keep[CT_PLAN_KEEP];
    ct_status status = ct_capture_begin(&g);
    if (!status) {
        unsigned before = ct_passes_capture(opt ? opt->off : 0);
        status = fn(ctx, keep);
        ct_passes_capture(before);
        ct_status ended = ct_capture_end(&g);
        if (!status) status = ended;
        if (!status) status = ct_plan_new(&g, keep, n_keep, arena, opt, out);
        ct_graph_free(&g);
    }
    ct_status closed = ct_scope_close(scope);
    if (!status && closed) ct_plan_free(*out);
    return status ? status : closed;
}

static char *address(const ct_plan *p, const ct_use *u) {
    const ct_value *v = &p->program.value[u->value];
    if (v->joined >= 0) v = &p->program.value[v->joined];
    return (v->fixed ? v->at : p->arena->data + v->offset) + u->offset;
}

static void set_addresses(const ct_plan *p, const ct_stage *item, ct_launch *l) {
    int n;
    const ct_stage *of = ct_stage_items(item, &n);
    for (int i = 0; i < of->n_in + of->n_out; i++) l->at[i] = of->use[i].value < 0 ? NULL : address(p, &of->use[i]);
    for (int k = 1; k < n; k++) set_addresses(p, &of[k], &l->beside[k - 1]);
}

/* Where all values lie now, those whose memory is a tensor's too. */
static void find_values(ct_plan *p) {
    for (int i = 0; i < p->program.n_values; i++) {
        ct_value *v = &p->program.value[i];
        if (v->fixed && v->storage->data) v->at = v->storage->data;
    }
    for (int k = 0; k < p->program.n_items; k++) set_addresses(p, &p->program.item[k], &p->launch[k]);
}

static ct_status settle(ct_plan *p) {
    ct_arena *a = p->arena;
    if (a->bytes < ct_plan_bytes(p)) {
        char *data = ct_alloc_aligned(ct_plan_bytes(p), 1);
        if (!data) return CT_NO_MEMORY;
        ct_free(a->data);
        a->data = data, a->bytes = ct_plan_bytes(p), a->moved++;
    }
    if (p->moved != a->moved) find_values(p);
    p->moved = a->moved;
    for (int k = 0; k < p->program.n_items; k++) CT_TRY(ct_launch_ready(&p->launch[k]));
    return CT_OK;
}

/* Slots that a run gives a new value: who keeps something made of the old one is to see it. */
static void count_versions(const ct_graph *g) {
    for (size_t i = 0; i < g->n_bindings; i++) g->binding[i].before->version++;
}

/* at: NULL, or room for launches + 1. */
static ct_status run(ct_plan *p, double *at) {
    CT_TRY(settle(p));
    _Atomic int64_t bad = 0;
    for (int k = 0; k < p->program.n_items; k++) {
        if (at) at[k] = ct_now();
        ct_launch_run(&p->launch[k], p->arena->data + p->bytes, &bad);
    }
    if (at) at[p->program.n_items] = ct_now();
    count_versions(&p->program.graph);
    return bad ? ct_fail(CT_FAIL, "index %lld is out of range", (long long)ct_bad_value(bad)) : CT_OK;
}

ct_status ct_plan_run(ct_plan *p) { return run(p, NULL); }
ct_status ct_plan_run_timed(ct_plan *p, double *at) { return run(p, at); }

void ct_plan_launch_facts(const ct_plan *p, int i, ct_launch_facts *out) {
    const ct_stage *item = &p->program.item[i];
    ct_stage_name(item, out->name, sizeof out->name);
    ct_layout_text(&item->use[item->n_in].layout, out->shape, sizeof out->shape);
    out->bytes = ct_stage_bytes(&p->program, item);
    out->operations = 2 * ct_stage_work(item);
}

const void *ct_plan_data(const ct_plan *p, int i) { return address(p, &p->program.keep[i]); }

static void nothing(void *owner) { (void)owner; }

ct_tensor *ct_plan_value(ct_plan *p, int i) {
    const ct_use *u = &p->program.keep[i];
    ct_storage *s = ct_alloc(1, sizeof *s);
    if (!s) return ct_tensor_failed(CT_NO_MEMORY);
    *s = (ct_storage){.refs = 1, .bytes = p->program.value[u->value].bytes, .release = nothing};
    s->data = address(p, u) - u->offset;
    ct_tensor *t = ct_tensor_make(&u->layout, s, u->offset / (int64_t)ct_dtype_bytes(u->layout.dtype));
    ct_storage_unref(s);
    return t;
}

size_t ct_plan_bytes(const ct_plan *p) { return p->bytes + p->workspace; }
size_t ct_plan_workspace(const ct_plan *p) { return p->workspace; }

size_t ct_plan_apart_bytes(const ct_plan *p) {
    size_t bytes = 0;
    for (int i = 0; i < p->program.n_values; i++) {
        const ct_value *v = &p->program.value[i];
        if (!v->fixed && v->first >= 0) bytes += v->bytes;
    }
    return bytes;
}

/* Nodes of the graph are two or three times what is made of them; states of kernels are not known here. */
size_t ct_plan_own_bytes(const ct_plan *p) {
    const ct_program *g = &p->program;
    size_t bytes = sizeof *p + (size_t)g->n_values * sizeof *g->value + g->constant_bytes;
    for (size_t i = 0; i < g->graph.n; i++) {
        const ct_node *n = g->graph.node[i];
        bytes +=
            sizeof *n + n->op->kind.args_size + (size_t)(n->n_in + n->n_out) * (sizeof(ct_tensor) + sizeof(ct_use));
    }
    for (int k = 0; k < g->n_items; k++)
        bytes +=
            sizeof *g->item + sizeof *p->launch + 1024 + (p->launch[k].chain ? ct_chain_bytes(p->launch[k].chain) : 0);
    return bytes;
}

static size_t kept_bytes(const ct_launch *l) {
    size_t bytes = l->kept ? l->kept->bytes : 0;
    for (int i = 0; i < l->n_beside; i++) bytes += kept_bytes(&l->beside[i]);
    return bytes;
}

size_t ct_plan_kept_bytes(const ct_plan *p) {
    size_t bytes = 0;
    for (int k = 0; k < p->program.n_items; k++) bytes += kept_bytes(&p->launch[k]);
    return bytes;
}

int ct_plan_launches(const ct_plan *p) { return p->program.n_items; }

void ct_plan_free(ct_plan *p) {
    if (!p) return;
    for (int k = 0; p->launch && k < p->program.n_items; k++) ct_launch_free(&p->launch[k]);
    ct_free(p->launch);
    ct_program_free(&p->program);
    ct_free(p);
}

void ct_arena_free(ct_arena *a) {
    ct_free(a->data);
    *a = (ct_arena){.moved = a->moved + 1};
}
