#include "plan/merge.h"
#include "base/alloc.h"
#include "plan/launch.h"
#include <string.h>

bool ct_same_count(const ct_stage *a, const ct_stage *b) {
    int n;
    const ct_stage *p = a->op == CT_CHAIN ? a->part : a, *q = ct_parts(b, &n);
    return ct_layout_numel(&p->use[p->n_in].layout) == ct_layout_numel(&q->use[q->n_in].layout);
}

const ct_stage *ct_parts(const ct_stage *item, int *n) {
    *n = CT_MAX(item->n_parts, 1);
    return item->n_parts ? item->part : item;
}

bool ct_feeds(const ct_stage *item, const ct_stage *by, bool *whole) {
    bool feeds = false;
    int n;
    const ct_stage *part = ct_parts(by, &n);
    *whole = false;
    for (int o = item->n_in; o < item->n_in + item->n_out; o++)
        for (int k = 0; k < n; k++)
            for (int i = 0; i < part[k].n_in; i++) {
                const ct_use *made = &item->use[o], *read = &part[k].use[i];
                if (made->value < 0 || made->value != read->value) continue;
                feeds = true;
                *whole |= made->offset != read->offset || made->layout.dtype != read->layout.dtype ||
                          !ct_chain_flat(&read->layout, &part[k].use[part[k].n_in].layout);
            }
    return feeds;
}

/* Whether an item between the two reads what item k makes (of: false), or makes what it reads (of: true). */
bool ct_blocked(const ct_program *p, int early, int late, bool up) {
    const ct_stage *moves = &p->item[up ? late : early];
    int from = up ? 0 : moves->n_in, to = up ? moves->n_in : moves->n_in + moves->n_out;
    for (int k = early + 1; k < late; k++) {
        const ct_stage *between = &p->item[k];
        for (int i = from; between->use && i < to; i++) {
            int v = moves->use[i].value;
            if (v < 0) continue;
            if (!up && ct_stage_reads(between, v)) return true;
            for (int o = between->n_in; up && o < between->n_in + between->n_out; o++)
                if (between->use[o].value == v) return true;
        }
    }
    return false;
}

/* ---- an item made of two ---- */

/* Appends item's parts, or the item itself as one. */
static void take_parts(const ct_stage *item, ct_stage *to) {
    if (item->n_parts)
        memcpy(to->part + to->n_parts, item->part, (size_t)item->n_parts * sizeof *item->part);
    else
        to->part[to->n_parts] = *item;
    to->n_parts += CT_MAX(item->n_parts, 1);
}

static bool add_use(ct_stage *item, int from, int *n, const ct_use *u) {
    for (int i = from; i < from + *n; i++)
        if (ct_use_same(&item->use[i], u)) return true;
    if (from + *n == CT_CHAIN_OPERANDS) return false;
    item->use[from + (*n)++] = *u;
    return true;
}

static bool made_inside(const ct_stage *item, int value) {
    for (int i = 0; i < item->own_out; i++)
        if (item->use[CT_CHAIN_OPERANDS + i].value == value) return true;
    for (int k = 0; k < item->n_parts; k++)
        if (item->part[k].use[item->part[k].n_in].value == value) return true;
    return false;
}

static int reads_inside(const ct_stage *item, int value) {
    int n = 0;
    for (int k = 0; k < item->n_parts; k++)
        for (int i = 0; i < item->part[k].n_in; i++) n += item->part[k].use[i].value == value;
    return n;
}

/* Collects what the parts read from outside and what outside reads of them; own uses are there already, the outputs
   from CT_CHAIN_OPERANDS on. False: too many. */
static bool collect_uses(const ct_program *p, const int *reads, ct_stage *item) {
    item->n_in = item->own_in, item->n_out = item->own_out;
    for (int k = 0; k < item->n_parts; k++) {
        const ct_stage *part = &item->part[k];
        for (int i = 0; i < part->n_in; i++)
            if (part->use[i].value >= 0 && !made_inside(item, part->use[i].value) &&
                !add_use(item, 0, &item->n_in, &part->use[i]))
                return false;
    }
    for (int k = 0; k < item->n_parts; k++) {
        const ct_use *y = &item->part[k].use[item->part[k].n_in];
        int inside = reads_inside(item, y->value) + (item->n_head && item->head_value == y->value);
        bool outside = p->value[y->value].fixed || reads[y->value] > inside;
        if (outside) item->use[CT_CHAIN_OPERANDS + item->n_out++] = *y;
    }
    memmove(item->use + item->n_in, item->use + CT_CHAIN_OPERANDS, (size_t)item->n_out * sizeof *item->use);
    return item->n_in + item->n_out <= CT_CHAIN_OPERANDS;
}

static bool is_kernel(const ct_stage *item) { return item->op != CT_CHAIN && !ct_stage_row(item); }

/* Room for any number of uses, until it is known how many there are. The kernel, if there is one, is a's, then b is its
   tail, or b's, then a is its head. */
static ct_status combine(const ct_program *p, const int *reads, const ct_stage *a, const ct_stage *b, ct_stage *to,
                         bool *fits) {
    const ct_stage *kernel = is_kernel(a) ? a : is_kernel(b) ? b : NULL;
    *to = kernel ? *kernel : (ct_stage){.op = CT_CHAIN};
    to->again = a->again;
    to->n_parts = 0;
    to->part = ct_alloc((size_t)(CT_MAX(a->n_parts, 1) + CT_MAX(b->n_parts, 1)), sizeof *to->part);
    to->use = ct_alloc(2 * CT_CHAIN_OPERANDS + CT_CHAIN_PARTS, sizeof *to->use);
    if (!to->part || !to->use) return CT_NO_MEMORY;
    if (kernel) {
        memcpy(to->use, kernel->use, (size_t)kernel->own_in * sizeof *to->use);
        memcpy(to->use + CT_CHAIN_OPERANDS, kernel->use + kernel->n_in, (size_t)kernel->own_out * sizeof *to->use);
    }
    if (kernel != a || a->n_parts) take_parts(a, to);
    if (kernel == b) to->n_head = to->n_parts, to->head_value = b->use[0].value, to->use[0].value = -1;
    if (kernel != b || b->n_parts) take_parts(b, to);
    *fits = to->n_parts <= CT_CHAIN_PARTS && collect_uses(p, reads, to);
    return CT_OK;
}

/* It is in another now: what it held that is no part of that goes. */
static void give_up(ct_stage *item) {
    if (item->n_parts || is_kernel(item)) ct_free(item->use);
    ct_free(item->part);
    *item = (ct_stage){0};
}

ct_status ct_merge(ct_program *p, const int *reads, int early, int late, int *to) {
    ct_stage *a = &p->item[early], *b = &p->item[late], made;
    *to = -1;
    if (!a->again && b->again) return CT_OK;
    if (late - early > CT_MERGE_WINDOW || a->n_parts + b->n_parts > CT_CHAIN_PARTS) return CT_OK;
    bool up = !ct_blocked(p, early, late, true), fits = false;
    if (!up && ct_blocked(p, early, late, false)) return CT_OK;
    ct_status status = combine(p, reads, a, b, &made, &fits);
    if (status || !fits) {
        ct_free(made.part), ct_free(made.use);
        return status;
    }
    give_up(a), give_up(b);
    *to = up ? early : late;
    p->item[*to] = made;
    return CT_OK;
}
