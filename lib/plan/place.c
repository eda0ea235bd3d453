#include "plan/place.h"
#include "base/alloc.h"
#include <stdlib.h>

static int larger_first(const void *a, const void *b) {
    const ct_value *x = *(ct_value *const *)a, *y = *(ct_value *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

static bool overlap_in_time(const ct_value *a, const ct_value *b) { return a->first <= b->last && b->first <= a->last; }

/* The lowest offset at which v fits beside those placed, which are sorted by offset. */
static size_t lowest(const ct_value *v, ct_value *const *placed, int n) {
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        if (!overlap_in_time(v, placed[i])) continue;
        if (at + v->bytes <= placed[i]->offset) break;
        at = CT_MAX(at, placed[i]->offset + placed[i]->bytes);
    }
    return at;
}

ct_status ct_place(ct_value *v, int n, size_t *bytes) {
    ct_value **order = ct_alloc(2 * (size_t)n, sizeof *order);
    if (!order) return CT_NO_MEMORY;
    ct_value **placed = order + n;
    int m = 0, n_placed = 0;
    size_t sum = 0;
    bool over = false;
    for (int i = 0; i < n; i++)
        if (!v[i].fixed && v[i].joined < 0 && v[i].first >= 0) {
            v[i].bytes = (v[i].bytes + CT_PLACE_ALIGN - 1) / CT_PLACE_ALIGN * CT_PLACE_ALIGN;
            over = over || __builtin_add_overflow(sum, v[i].bytes, &sum);
            order[m++] = &v[i];
        }
    if (over) { /* no offset exceeds the sum */
        ct_free(order);
        return ct_fail(CT_NO_MEMORY, "a plan's values are of more bytes than a number can hold");
    }
    qsort(order, (size_t)m, sizeof *order, larger_first);
    *bytes = 0;
    for (int i = 0; i < m; i++) {
        order[i]->offset = lowest(order[i], placed, n_placed);
        *bytes = CT_MAX(*bytes, order[i]->offset + order[i]->bytes);
        int k = n_placed++;
        for (; k > 0 && placed[k - 1]->offset > order[i]->offset; k--) placed[k] = placed[k - 1];
        placed[k] = order[i];
    }
    ct_free(order);
    return CT_OK;
}
