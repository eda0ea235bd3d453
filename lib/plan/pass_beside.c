/* Small items beside large ones: what takes a small part of another item's time, and has nothing to do with it, runs on
   one of its threads (a bias's gradient beside its weight's, an optimizer's count). */
#include "base/alloc.h"
#include "plan/launch.h"
#include "plan/merge.h"
#include "plan/pass.h"
#include <string.h>

#define NEAR 8    /* items from one to the other, at most: what it reads lives no longer, or is in a cache still */
#define TIMES 16  /* as much work as one beside it, at least, where that is cut into items */
#define WHOLE 256 /* the same where one thread does it all */

/* In floats moved, or ten times as many operations. */
static double cost(const ct_program *p, const ct_stage *item) {
    return ct_stage_bytes(p, item) / 4 + 2 * ct_stage_work(item) / 10;
}

static bool reads_of(const ct_stage *item, const ct_stage *from) {
    for (int o = from->n_in; o < from->n_in + from->n_out; o++)
        if (from->use[o].value >= 0 && ct_stage_reads(item, from->use[o].value)) return true;
    return false;
}

static bool may_meet(const ct_program *p, int small, int large, double times) {
    const ct_stage *a = &p->item[small], *b = &p->item[large];
    int n, more;
    if (!b->use || b->sets || a->again != b->again || reads_of(a, b) || reads_of(b, a)) return false;
    double of = cost(p, ct_stage_items(b, &n));
    ct_stage_items(a, &more);
    return n + more <= CT_LAUNCH_BESIDE + 1 && cost(p, a) * times <= of &&
           !ct_blocked(p, CT_MIN(small, large), CT_MAX(small, large), small > large);
}

/* The nearest that is large enough; -1: none. */
static ct_status find_large(const ct_program *p, int small, int *large) {
    ct_takes takes;
    *large = -1;
    CT_TRY(ct_stage_takes(&p->item[small], &takes));
    for (int d = 1; d <= NEAR && *large < 0; d++)
        for (int at = small - d; at <= small + d; at += 2 * d)
            if (at >= 0 && at < p->n_items && may_meet(p, small, at, takes.items ? TIMES : WHOLE)) *large = at;
    return CT_OK;
}

static void take_uses(const ct_stage *from, ct_stage *to, ct_use *in, ct_use *out) {
    memcpy(in + to->n_in, from->use, (size_t)from->n_in * sizeof *in);
    memcpy(out + to->n_out, from->use + from->n_in, (size_t)from->n_out * sizeof *out);
    to->n_in += from->n_in, to->n_out += from->n_out;
}

/* Appends item, or those that run in it; what it held besides goes. */
static void take_items(ct_stage *item, ct_stage *to) {
    int n;
    const ct_stage *of = ct_stage_items(item, &n);
    memcpy(to->part + to->n_parts, of, (size_t)n * sizeof *of);
    to->n_parts += n;
    if (item->op == CT_TOGETHER) ct_free(item->part), ct_free(item->use);
    *item = (ct_stage){0};
}

static ct_status put_together(ct_stage *large, ct_stage *small) {
    int n, more;
    ct_stage made = {.op = CT_TOGETHER, .again = large->again};
    ct_stage_items(large, &n), ct_stage_items(small, &more);
    size_t inputs = (size_t)(large->n_in + small->n_in), outputs = (size_t)(large->n_out + small->n_out);
    made.part = ct_alloc((size_t)(n + more), sizeof *made.part);
    made.use = ct_alloc(inputs + outputs, sizeof *made.use);
    if (!made.part || !made.use) {
        ct_free(made.part), ct_free(made.use);
        return CT_NO_MEMORY;
    }
    take_uses(large, &made, made.use, made.use + inputs);
    take_uses(small, &made, made.use, made.use + inputs);
    take_items(large, &made), take_items(small, &made);
    *large = made;
    return CT_OK;
}

ct_status ct_pass_beside(ct_program *p) {
    ct_status status = CT_OK;
    for (int i = 0; !status && i < p->n_items; i++) {
        int large = -1;
        if (p->item[i].use && !p->item[i].sets) status = find_large(p, i, &large);
        if (!status && large >= 0) status = put_together(&p->item[large], &p->item[i]);
    }
    ct_program_close(p);
    return status;
}
