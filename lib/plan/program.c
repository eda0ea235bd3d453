#include "plan/program.h"
#include "base/alloc.h"
#include <stdlib.h>
#include <string.h>

static int by_address(const void *a, const void *b) {
    const ct_storage *x = ((const ct_value *)a)->storage, *y = ((const ct_value *)b)->storage;
    return (x > y) - (x < y);
}

static int find(const ct_program *p, ct_storage *s) {
    ct_value key = {.storage = s};
    const ct_value *v = s ? bsearch(&key, p->value, (size_t)p->n_values, sizeof key, by_address) : NULL;
    return v ? (int)(v - p->value) : -1;
}

/* The memory that the graph's and the kept tensors lie in, each once. */
static ct_status collect_values(ct_program *p, ct_tensor *const *keep, int n_keep) {
    const ct_graph *g = &p->graph;
    size_t n = 2 * g->n_bindings + (size_t)n_keep, k = 0;
    for (size_t i = 0; i < g->n; i++) n += (size_t)(g->node[i]->n_in + g->node[i]->n_out);
    if (!(p->value = ct_alloc(n, sizeof *p->value))) return CT_NO_MEMORY;
    for (size_t i = 0; i < g->n; i++) {
        const ct_node *node = g->node[i];
        for (int j = 0; j < node->n_in; j++)
            if (node->in[j] && node->in[j]->storage) p->value[k++].storage = node->in[j]->storage;
        for (int j = 0; j < node->n_out; j++)
            if (node->out[j].storage) p->value[k++].storage = node->out[j].storage;
    }
    for (size_t i = 0; i < g->n_bindings; i++)
        p->value[k++].storage = g->binding[i].before, p->value[k++].storage = g->binding[i].after;
    for (int i = 0; i < n_keep; i++)
        if (keep[i]->storage) p->value[k++].storage = keep[i]->storage;
    qsort(p->value, k, sizeof *p->value, by_address);
    for (size_t i = 0; i < k; i++) {
        if (p->n_values && p->value[p->n_values - 1].storage == p->value[i].storage) continue;
        ct_storage *s = p->value[i].storage;
        p->value[p->n_values++] = (ct_value){.storage = s,
                                             .fixed = s->data || s->shell,
                                             .at = s->data,
                                             .bytes = s->bytes,
                                             .first = -1,
                                             .last = -1,
                                             .joined = -1};
    }
    return CT_OK;
}

static ct_use use_of(const ct_program *p, const ct_tensor *t) {
    if (!t || !t->storage) return (ct_use){.value = -1};
    return (ct_use){find(p, t->storage), t->offset * (int64_t)ct_dtype_bytes(t->layout.dtype), t->layout};
}

static ct_status add_item(ct_program *p, int op, const void *args, ct_tensor *const *in, int n_in, const ct_tensor *out,
                          int n_out, bool again) {
    ct_stage *item = &p->item[p->n_items];
    *item = (ct_stage){
        .op = op, .args = args, .own_in = n_in, .own_out = n_out, .n_in = n_in, .n_out = n_out, .again = again};
    if (!(item->use = ct_alloc((size_t)(n_in + n_out), sizeof *item->use))) return CT_NO_MEMORY;
    p->n_items++;
    for (int i = 0; i < n_in; i++) item->use[i] = use_of(p, in[i]);
    for (int i = 0; i < n_out; i++) {
        item->use[n_in + i] = use_of(p, &out[i]);
        item->use[n_in + i].layout = out[i].layout; /* what nobody asked for has one too */
    }
    return CT_OK;
}

static ct_status add_items(ct_program *p) {
    static const ct_none_args none;
    const ct_graph *g = &p->graph;
    if (!(p->item = ct_alloc(g->n + g->n_bindings, sizeof *p->item))) return CT_NO_MEMORY;
    for (size_t i = 0; i < g->n; i++) {
        const ct_node *n = g->node[i];
        if (n->op->flags & CT_IS_VIEW) continue;
        CT_TRY(add_item(p, ct_op_id(n->op), n->args, n->in, n->n_in, n->out, n->n_out, n->again));
        p->item[p->n_items - 1].bf16 = n->bf16, p->item[p->n_items - 1].direct = n->direct;
    }
    for (size_t i = 0; i < g->n_bindings; i++) {
        const ct_binding *b = &g->binding[i];
        ct_tensor src = {.layout = b->layout_after, .storage = b->after, .offset = b->offset_after};
        ct_tensor dst = {.layout = b->layout_before, .storage = b->before, .offset = b->offset_before};
        if (b->before == b->after) continue;
        CT_TRY(add_item(p, CT_OP_copy, &none, (ct_tensor *[]){&src}, 1, &dst, 1, false));
        p->item[p->n_items - 1].sets = true;
    }
    return CT_OK;
}

static ct_status add_keep(ct_program *p, ct_tensor *const *keep, int n) {
    if (!(p->keep = ct_alloc((size_t)n, sizeof *p->keep))) return CT_NO_MEMORY;
    p->n_keep = n;
    for (int i = 0; i < n; i++) {
        p->keep[i] = use_of(p, keep[i]);
        if (p->keep[i].value < 0) return ct_fail(CT_FAIL, "plan: a kept value is not of this capture");
    }
    return CT_OK;
}

static void number_values(ct_program *p) {
    int n = 0;
    for (int k = 0; k < p->n_items; k++)
        for (int i = 0; i < p->item[k].n_in + p->item[k].n_out; i++) {
            ct_value *v = p->item[k].use[i].value < 0 ? NULL : &p->value[p->item[k].use[i].value];
            if (v && !v->number) v->number = ++n;
        }
}

ct_status ct_program_new(ct_graph *g, ct_tensor *const *keep, int n_keep, ct_program *p) {
    *p = (ct_program){.graph = *g};
    *g = (ct_graph){0};
    ct_status status = collect_values(p, keep, n_keep);
    if (!status) status = add_items(p);
    if (!status) status = add_keep(p, keep, n_keep);
    if (!status) number_values(p);
    if (status) ct_program_free(p);
    return status;
}

void ct_stage_clear(ct_stage *item) {
    for (int i = 0; i < item->n_parts; i++) ct_stage_clear(&item->part[i]);
    ct_free(item->part), ct_free(item->use);
    *item = (ct_stage){0};
}

void ct_program_free(ct_program *p) {
    for (int i = 0; i < p->n_items; i++) ct_stage_clear(&p->item[i]);
    for (int i = 0; i < p->n_constants; i++) ct_free(p->constant[i]);
    ct_free(p->item), ct_free(p->value), ct_free(p->keep), ct_free(p->constant);
    ct_graph_free(&p->graph);
    *p = (ct_program){0};
}

void ct_program_close(ct_program *p) {
    int n = 0;
    for (int i = 0; i < p->n_items; i++)
        if (p->item[i].use) p->item[n++] = p->item[i];
    p->n_items = n;
}

static void count_reads(const ct_stage *item, int n, int *reads) {
    for (int k = 0; k < n; k++)
        if (item->use[k].value >= 0) reads[item->use[k].value]++;
    for (int k = 0; k < item->n_parts; k++) count_reads(&item->part[k], item->part[k].n_in, reads);
}

int *ct_program_reads(const ct_program *p) {
    int *reads = ct_alloc((size_t)p->n_values, sizeof *reads);
    for (int i = 0; reads && i < p->n_items; i++) count_reads(&p->item[i], p->item[i].own_in, reads);
    for (int i = 0; reads && i < p->n_keep; i++) reads[p->keep[i].value]++;
    return reads;
}

bool ct_use_same(const ct_use *a, const ct_use *b) {
    if (a->value < 0 || b->value < 0) return a->value == b->value;
    return a->value == b->value && a->offset == b->offset && a->layout.dtype == b->layout.dtype &&
           ct_layout_alike(&a->layout, &b->layout);
}

bool ct_stage_reads(const ct_stage *item, int value) {
    for (int i = 0; i < item->n_in; i++)
        if (item->use[i].value == value) return true;
    return false;
}

const ct_use *ct_stage_makes(const ct_stage *item, int value) {
    for (int i = item->n_in; i < item->n_in + item->n_out; i++)
        if (item->use[i].value == value) return &item->use[i];
    return NULL;
}

const ct_op *ct_stage_op(const ct_stage *item) { return item->op < 0 ? NULL : ct_op_get(item->op); }

const ct_stage *ct_stage_items(const ct_stage *item, int *n) {
    bool together = item->op == CT_TOGETHER;
    *n = together ? item->n_parts : 1;
    return together ? item->part : item;
}

/* ---- text ---- */

static void write_use(const ct_program *p, const ct_use *u, ct_buf *out) {
    if (u->value < 0)
        ct_buf_puts(out, "-");
    else
        ct_buf_printf(out, "%c%d", p->value[u->value].fixed ? 'm' : 'v', p->value[u->value].number);
}

static void write_call(const ct_program *p, const ct_stage *item, int n_in, int n_out, ct_buf *out) {
    for (int i = 0; i < n_out; i++) {
        const ct_use *u = &item->use[item->n_in + i];
        char shape[128];
        ct_layout_text(&u->layout, shape, sizeof shape);
        ct_buf_puts(out, i ? ", " : "");
        write_use(p, u, out);
        if (u->value >= 0) ct_buf_printf(out, " %s%s", ct_dtype_name(u->layout.dtype), shape);
    }
    ct_buf_printf(out, " = %s(", ct_op_get(item->op)->kind.name);
    for (int i = 0; i < n_in; i++) {
        ct_buf_puts(out, i ? ", " : "");
        write_use(p, &item->use[i], out);
        ct_buf_puts(out, !i && item->watches ? " as made" : "");
    }
    ct_buf_puts(out, ")");
}

static void write_parts(const ct_program *p, const ct_stage *item, int from, int to, ct_buf *out) {
    for (int k = from; k < to; k++) {
        write_call(p, &item->part[k], item->part[k].n_in, item->part[k].n_out, out);
        ct_buf_puts(out, k + 1 < to ? "; " : "");
    }
}

static void write_item(const ct_program *p, const ct_stage *item, ct_buf *out) {
    write_parts(p, item, 0, item->n_head, out);
    if (item->op != CT_CHAIN) {
        ct_buf_puts(out, item->n_head ? "; " : "");
        write_call(p, item, item->own_in, item->own_out, out);
        ct_buf_puts(out, item->n_parts > item->n_head ? "; " : "");
    }
    write_parts(p, item, item->n_head, item->n_parts, out);
}

void ct_program_text(const ct_program *p, ct_buf *out) {
    for (int i = 0; i < p->n_items; i++) {
        int n;
        const ct_stage *of = ct_stage_items(&p->item[i], &n);
        for (int k = 0; k < n; k++) {
            ct_buf_puts(out, k ? " | " : "");
            write_item(p, &of[k], out);
        }
        ct_buf_puts(out, "\n");
    }
}
