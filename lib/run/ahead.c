#include "run/ahead.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include <stdatomic.h>

#define ITEM 4096 /* elements that are loaded at a time: some microseconds, without augmenting */

struct ct_ahead {
    ct_samples of;
    ct_batch to;
    int64_t first, n, grain; /* samples of an item */
    bool begun;
    atomic_bool failed; /* it will again, when the batch is loaded as it must be: then what it says is heard */
};

/* all: what is left of it is loaded. Whether it is there then. */
static bool stop(ct_ahead *a, bool all) {
    bool begun = a && a->begun;
    if (begun) a->begun = false;
    return begun && ct_parallel_spare_end(a, all) && all;
}

void ct_ahead_free(ct_ahead *a) {
    stop(a, false);
    ct_free(a);
}

void ct_ahead_end(ct_step *step) { stop(*ct_step_ahead(step), false); }

static void load_item(void *ctx, int64_t begin, int64_t end) {
    ct_ahead *a = ctx;
    int64_t at = begin * a->grain, n = CT_MIN(end * a->grain, a->n) - at;
    if (ct_batch_load(&a->of, a->first + at, n, &a->to, at)) atomic_store(&a->failed, true);
}

static bool find_room(ct_ahead *a, ct_step *step) {
    const ct_net *net = ct_step_net(step);
    a->to = (ct_batch){.net = net, .to = net->fields.n};
    for (int i = 0; i < net->fields.n; i++)
        if (!(a->to.field[i] = ct_step_next(step, i))) return false;
    return true;
}

void ct_ahead_begin(const ct_samples *s, int64_t first, int64_t n, ct_step *step) {
    ct_ahead **at = ct_step_ahead(step), *a = *at;
    if (n < 1 || ct_threads() < 2) return;
    if (!a && !(a = *at = ct_alloc(1, sizeof *a))) return;
    stop(a, false);
    if (!find_room(a, step)) return;
    const ct_layout *input = &ct_step_net(step)->fields.of[0].layout;
    int64_t size = CT_MAX(ct_layout_numel(input) / CT_MAX(input->size[0], 1), 1);
    a->of = *s, a->first = first, a->n = n, a->grain = CT_MAX(ITEM / size, 1);
    atomic_store(&a->failed, false);
    a->begun = ct_parallel_spare((n + a->grain - 1) / a->grain, load_item, a);
}

static bool same(const ct_samples *a, const ct_samples *b) {
    return a->split == b->split && a->index == b->index && a->norm == b->norm && a->augment == b->augment &&
           a->epoch == b->epoch;
}

bool ct_ahead_take(const ct_samples *s, int64_t first, int64_t n, ct_step *step) {
    ct_ahead *a = *ct_step_ahead(step);
    bool wanted = a && same(s, &a->of) && first == a->first && n == a->n;
    if (!stop(a, wanted) || atomic_load(&a->failed)) return false;
    for (int i = 0; i < ct_step_net(step)->fields.n; i++)
        if (ct_split_field(s->split, i)) ct_step_exchange(step, i);
    return true;
}
