#include "plan/cache.h"
#include "base/alloc.h"

ct_plan *ct_plan_cache_find(ct_plan_cache *c, int64_t first, int64_t second) {
    for (int i = 0; i < c->n; i++) {
        ct_plan_entry *e = &c->entry[i];
        if (e->key[0] != first || e->key[1] != second) continue;
        e->used = ++c->count;
        return e->plan;
    }
    return NULL;
}

static void drop_oldest(ct_plan_cache *c) {
    int oldest = 0;
    for (int i = 1; i < c->n; i++)
        if (c->entry[i].used < c->entry[oldest].used) oldest = i;
    ct_plan_free(c->entry[oldest].plan);
    c->bytes -= c->entry[oldest].bytes;
    c->entry[oldest] = c->entry[--c->n];
}

ct_status ct_plan_cache_add(ct_plan_cache *c, int64_t first, int64_t second, ct_plan *plan) {
    size_t bytes = ct_plan_own_bytes(plan);
    while (c->n && c->bytes + bytes > CT_PLAN_CACHE_BYTES) drop_oldest(c);
    ct_plan_entry *p = ct_grow(c->entry, (size_t)c->n, &c->cap, sizeof *p);
    if (!p) {
        ct_plan_free(plan);
        return CT_NO_MEMORY;
    }
    c->entry = p, p[c->n++] = (ct_plan_entry){{first, second}, plan, bytes, ++c->count};
    c->bytes += bytes;
    return CT_OK;
}

void ct_plan_cache_free(ct_plan_cache *c) {
    for (int i = 0; i < c->n; i++) ct_plan_free(c->entry[i].plan);
    ct_free(c->entry);
    ct_arena_free(&c->arena);
    *c = (ct_plan_cache){0};
}
