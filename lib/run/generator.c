#include "run/generator.h"
#include "base/alloc.h"
#include "nn/cache.h"
#include "ops/shape_util.h"
#include "plan/cache.h"
#include "plan/pass.h"
#include <string.h>

struct ct_generator {
    const ct_net *net;
    ct_cache *cache;  /* NULL: the window is computed again for each token */
    bool mixed;       /* it always is: the layers keep nothing */
    int64_t capacity; /* tokens in a window */
    int64_t *window;  /* n of them, the first `known` of which the cache has seen */
    int64_t n, known;
    ct_tensor *token;    /* (1, capacity): what a plan reads */
    ct_plan_cache plans; /* by how many tokens they read */
    int64_t length;      /* of the plan that is being made */
};

/* ---- one pass ---- */
static ct_tensor *last_row(ct_tensor *rows) {
    int64_t n = rows->layout.size[0], width = rows->layout.size[1];
    ct_slice_args last = {.start = CT_DIMS(n - 1, 0), .stop = CT_DIMS(n, width)};
    return ct_to(ct_slice(rows, last), CT_F32);
}

/* The scores of what follows `length` tokens; what the target is makes no difference. */
static ct_status forward(ct_generator *g, ct_tensor **score) {
    ct_tensor *field[CT_MAX_FIELDS], *value[CT_MAX_VALUES + 1];
    ct_slice_args some = {.start = CT_DIMS(0, 0), .stop = CT_DIMS(1, g->length)};
    for (int i = 0; i < g->net->fields.n; i++) field[i] = ct_slice(g->token, some);
    CT_TRY(ct_net_forward(g->net, field, NULL, NULL, value));
    ct_tensor *rows = ct_net_output(g->net, value);
    if (!rows) return ct_fail(CT_FAIL, "the model gives no scores for each of %lld tokens", (long long)g->length);
    *score = last_row(rows);
    return ct_why(*score) ? ct_fail((*score)->status, "%s", ct_why(*score)) : CT_OK;
}

static ct_status capture(void *ctx, ct_tensor **score) {
    ct_generator *g = ctx;
    ct_module_train(g->net->module, false);
    ct_cache_use(g->cache);
    ct_no_grad_begin();
    ct_status status = forward(g, score);
    ct_no_grad_end();
    ct_cache_use(NULL);
    return status;
}

static ct_status get_plan(ct_generator *g, int64_t n, ct_plan **out) {
    if ((*out = ct_plan_cache_find(&g->plans, n, 0))) return CT_OK;
    ct_plan_options options = {.off = ct_passes_off(), .keeps = true};
    g->length = n;
    ct_status status = ct_plan_capture(capture, g, 1, &g->plans.arena, &options, out);
    if (status == CT_FAIL && n < g->capacity)
        return ct_fail_in(status, "the model was made for %lld tokens and cannot read %lld", (long long)g->capacity,
                          (long long)n);
    CT_TRY(status);
    return ct_plan_cache_add(&g->plans, n, 0, *out);
}

/* Reads n tokens of the window. */
static ct_status run(ct_generator *g, int64_t from, int64_t n, const float **score) {
    ct_plan *plan;
    CT_TRY(get_plan(g, n, &plan));
    memcpy(ct_tensor_data(g->token), g->window + from, (size_t)n * sizeof *g->window);
    if (g->cache) ct_cache_go(g->cache, from);
    CT_TRY(ct_plan_run(plan));
    *score = ct_plan_data(plan, 0);
    return CT_OK;
}

/* ---- the window ---- */
/* What is new, in chunks of powers of two, so that there are few plans; none is padded, as a state would see it. */
static ct_status look(ct_generator *g, const float **score) {
    if (!g->cache) return run(g, 0, g->n, score);
    while (g->known < g->n) {
        int64_t n = 1;
        while (2 * n <= g->n - g->known) n *= 2;
        CT_TRY(run(g, g->known, n, score));
        g->known += n;
    }
    return CT_OK;
}

static bool keeps_all(const ct_generator *g) { return g->cache && ct_cache_flow(g->cache) > CT_FLOW_WINDOW; }

/* A state has seen what leaves the window; else half of it is seen anew, from the first place on. Where all is computed
   again anyway, only the oldest token goes. */
static void make_room(ct_generator *g) {
    int64_t stays = keeps_all(g) ? 0 : g->mixed ? g->capacity - 1 : g->capacity / 2;
    memmove(g->window, g->window + g->capacity - stays, (size_t)stays * sizeof *g->window);
    g->n = stays, g->known = 0;
}

ct_status ct_generator_read(ct_generator *g, const int64_t *token, int64_t n, const float **score) {
    if (g->mixed && n > g->capacity) token += n - g->capacity, n = g->capacity;
    for (int64_t take; n; token += take, n -= take) {
        if (g->n == g->capacity) make_room(g);
        take = CT_MIN(n, g->capacity - g->n);
        memcpy(g->window + g->n, token, (size_t)take * sizeof *token);
        g->n += take;
        if (take == n || keeps_all(g)) CT_TRY(look(g, score)); /* else it will have left the window */
    }
    return CT_OK;
}

void ct_generator_clear(ct_generator *g) {
    g->n = g->known = 0;
    if (g->cache) ct_cache_clear(g->cache);
}

/* ---- its life ---- */
static ct_status check(const ct_net *net) {
    const ct_fields *f = &net->fields;
    const ct_layout *in = &f->of[0].layout, *target = net->target >= 0 ? &f->of[net->target].layout : NULL;
    if (in->dtype != CT_I64 || in->ndim != 2)
        return ct_fail(CT_FAIL, "is no language model: its input is no sequence of tokens");
    if (net->module->n_inputs != 1) return ct_fail(CT_FAIL, "is no language model: it has more inputs than tokens");
    if (net->scores < 0 || !target || target->dtype != CT_I64 || target->ndim != 2 || target->size[1] != in->size[1])
        return ct_fail(CT_FAIL, "is no language model: it gives no scores for each token of its input");
    return CT_OK;
}

ct_status ct_generator_new(const ct_net *net, bool cached, ct_generator **out) {
    CT_TRY(check(net));
    ct_generator *g = ct_alloc(1, sizeof *g);
    if (!g) return CT_NO_MEMORY;
    *g = (ct_generator){.net = net, .capacity = net->fields.of[0].layout.size[1]};
    ct_scope *scope = ct_scope_open();
    g->token = ct_keep(ct_zeros(CT_I64, CT_DIMS(1, g->capacity)));
    g->window = ct_alloc((size_t)g->capacity, sizeof *g->window);
    ct_status status = ct_scope_close(scope);
    if (!status && !g->window) status = CT_NO_MEMORY;
    if (!status) status = ct_cache_new(net->module, g->capacity, &g->cache);
    g->mixed = !g->cache;
    if (!cached) {
        ct_cache_free(g->cache);
        g->cache = NULL;
    }
    if (status)
        ct_generator_free(g);
    else
        *out = g;
    return status;
}

void ct_generator_free(ct_generator *g) {
    if (!g) return;
    ct_plan_cache_free(&g->plans);
    ct_cache_free(g->cache);
    ct_drop(g->token);
    ct_free(g->window), ct_free(g);
}

bool ct_generator_is_cached(const ct_generator *g) { return g->cache != NULL; }
