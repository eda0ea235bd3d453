/* Sixteen partial results at once, whatever the vector's width, so that every width adds in the same order. */
#ifndef CT_KERNELS_CPU_LANES_H
#define CT_KERNELS_CPU_LANES_H
#include "kernels/cpu/simd.h"

#define LANES 16
#define LANE_VECTORS (LANES / VW)
typedef struct lanes {
    vf v[LANE_VECTORS];
} lanes;

CT_INLINE lanes lanes_set(float x) {
    lanes r;
    CT_EACH(i, LANE_VECTORS) r.v[i] = vset(x);
    return r;
}
CT_INLINE lanes lanes_load(const float *p) {
    lanes r;
    CT_EACH(i, LANE_VECTORS) r.v[i] = vload(p + i * VW);
    return r;
}
CT_INLINE void lanes_store(float *p, lanes x) { CT_EACH(i, LANE_VECTORS) vstore(p + i * VW, x.v[i]); }
/* The first n of p's, and `rest` for the others. */
CT_INLINE lanes lanes_load_part(const float *p, int64_t n, float rest) {
    float part[LANES];
    for (int i = 0; i < LANES; i++) part[i] = i < n ? p[i] : rest;
    return lanes_load(part);
}
CT_INLINE void lanes_store_part(float *p, int64_t n, lanes x) {
    float part[LANES];
    lanes_store(part, x);
    for (int64_t i = 0; i < n; i++) p[i] = part[i];
}

#define LANES_OP2(name, expr)                        \
    CT_INLINE lanes lanes_##name(lanes a, lanes b) { \
        CT_EACH(i, LANE_VECTORS) a.v[i] = expr;      \
        return a;                                    \
    }
LANES_OP2(add, a.v[i] + b.v[i])
LANES_OP2(sub, a.v[i] - b.v[i])
LANES_OP2(mul, a.v[i] * b.v[i])
CT_INLINE lanes lanes_fma(lanes a, lanes b, lanes c) { /* a * b + c */
    CT_EACH(i, LANE_VECTORS) c.v[i] = vfma(a.v[i], b.v[i], c.v[i]);
    return c;
}
CT_INLINE lanes lanes_max(lanes a, lanes b) { /* a where it is larger: a NaN in b is kept, one in a is not */
    CT_EACH(i, LANE_VECTORS) {
        vi more = (vi)(a.v[i] > b.v[i]);
        a.v[i] = (vf)(((vi)a.v[i] & more) | ((vi)b.v[i] & ~more));
    }
    return a;
}
CT_INLINE float lanes_sum(lanes x) {
    float s[LANES];
    lanes_store(s, x);
    for (int step = LANES / 2; step; step /= 2)
        for (int i = 0; i < step; i++) s[i] += s[i + step];
    return s[0];
}

/* The sum of n floats: lanes, then a tree; two sets of lanes in turn hide the addition's latency. */
CT_INLINE float sum_f32(const float *x, int64_t n) {
    lanes a = lanes_set(0), b = a;
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        a = lanes_add(a, lanes_load(x + i));
        b = lanes_add(b, lanes_load(x + i + LANES));
    }
    if (i + LANES <= n) a = lanes_add(a, lanes_load(x + i)), i += LANES;
    if (i < n) b = lanes_add(b, lanes_load_part(x + i, n - i, 0));
    return lanes_sum(lanes_add(a, b));
}

/* The sum of (a - am)(b - bm) over n floats. */
CT_INLINE float dot_f32(const float *a, float am, const float *b, float bm, int64_t n) {
    lanes dot = lanes_set(0), la = lanes_set(am), lb = lanes_set(bm);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        dot = lanes_fma(lanes_sub(lanes_load(a + i), la), lanes_sub(lanes_load(b + i), lb), dot);
    if (i < n) {
        lanes x = lanes_load_part(a + i, n - i, am), y = lanes_load_part(b + i, n - i, bm);
        dot = lanes_fma(lanes_sub(x, la), lanes_sub(y, lb), dot);
    }
    return lanes_sum(dot);
}

/* The largest of n > 0 floats; where there is NaN, anything. */
CT_INLINE float max_f32(const float *x, int64_t n) {
    lanes most = lanes_set(x[0]);
    float part[LANES];
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) most = lanes_max(lanes_load(x + i), most);
    if (i < n) most = lanes_max(lanes_load_part(x + i, n - i, x[0]), most);
    lanes_store(part, most);
    for (int j = 1; j < LANES; j++) part[0] = part[j] > part[0] ? part[j] : part[0];
    return part[0];
}
#endif
