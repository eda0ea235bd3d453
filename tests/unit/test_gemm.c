/* The product in every build that this processor can run: against doubles, and bit by bit against each other. */
#include "tests/unit/check.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "kernels/backend.h"
#include "kernels/cpu/gemm.h"
#include <stdlib.h>

#define BUILD(isa)                                                                                                    \
    size_t ct_gemm_prepare_##isa(ct_gemm *g);                                                                         \
    void ct_gemm_run_##isa(const ct_gemm *g, const float *a, const float *b, const float *bias, float *c, void *work, \
                           const ct_tail *tail);                                                                      \
    size_t ct_gemm_packed_size_##isa(const ct_gemm *g);                                                               \
    void ct_gemm_pack_##isa(const ct_gemm *g, const float *b, float *packed);
#define ENTRY(isa, can, fused) \
    { #isa, can, fused, ct_gemm_prepare_##isa, ct_gemm_run_##isa, ct_gemm_packed_size_##isa, ct_gemm_pack_##isa }

typedef struct build {
    const char *name;
    bool can, fused; /* fused: exactly the multiply-adds that the definition says */
    size_t (*prepare)(ct_gemm *g);
    void (*run)(const ct_gemm *g, const float *a, const float *b, const float *bias, float *c, void *work,
                const ct_tail *tail);
    size_t (*packed_size)(const ct_gemm *g);
    void (*pack)(const ct_gemm *g, const float *b, float *packed);
} build;

#if defined(__x86_64__)
BUILD(v2)
BUILD(v3)
BUILD(v4)
static build builds[] = {ENTRY(v2, true, false), ENTRY(v3, false, true), ENTRY(v4, false, true)};
static void find_builds(void) {
    builds[1].can = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    builds[2].can = builds[1].can && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}
#else
BUILD(generic)
static build builds[] = {ENTRY(generic, true, false)};
static void find_builds(void) {}
#endif

static uint32_t drawn;

static uint32_t draw(void) {
    uint32_t w;
    ct_philox_fill(ct_philox_make(9, 9), 0, drawn++, 1, &w);
    return w;
}

static int64_t below(int64_t n) { return draw() % n; }

static void *need(size_t count, size_t size) {
    void *p = ct_alloc(count, size);
    if (!p) abort();
    return p;
}

static float *floats(int64_t n) {
    float *p = need((size_t)n, sizeof *p);
    for (int64_t i = 0; i < n; i++) p[i] = (float)(draw() >> 8) * 0x1p-23f - 1;
    return p;
}

/* One product with memory of just its size, so that sanitizers see a step too far. */
typedef struct sample {
    ct_gemm g;
    float *a, *b, *bias, *c;
    int64_t size_c;
} sample;

static int64_t extent(int64_t rows, int64_t columns, int64_t ld) {
    return rows && columns ? (rows - 1) * ld + columns : 0;
}

static sample make(ct_gemm g, bool bias) {
    int64_t ra = g.ta ? g.k : g.m, ca = g.ta ? g.m : g.k, rb = g.tb ? g.n : g.k, cb = g.tb ? g.k : g.n;
    g.lda += ca, g.ldb += cb, g.ldc += g.n; /* given: the gaps */
    g.step_a = extent(ra, ca, g.lda), g.step_b = extent(rb, cb, g.ldb), g.step_c = extent(g.m, g.n, g.ldc);
    sample s = {.g = g, .size_c = g.step_c * g.batch};
    s.a = floats(g.step_a * g.batch), s.b = floats(g.step_b * g.batch), s.c = floats(s.size_c);
    s.bias = bias ? floats(g.n) : NULL;
    return s;
}

static void drop(sample *s) { ct_free(s->a), ct_free(s->b), ct_free(s->bias), ct_free(s->c); }

static float *run(const build *w, const sample *s, int threads, bool packed) {
    ct_gemm g = s->g;
    float *b = s->b, *c = need((size_t)s->size_c, sizeof *c);
    if (s->size_c) memcpy(c, s->c, (size_t)s->size_c * sizeof *c);
    if (packed) {
        size_t size = w->packed_size(&g);
        b = need((size_t)g.batch, size);
        for (int64_t i = 0; i < g.batch; i++) w->pack(&g, s->b + i * g.step_b, b + (size_t)i * size / sizeof *b);
        g.packed = true, g.step_b = (int64_t)(size / sizeof *b);
    }
    ct_set_threads(threads);
    void *work = ct_alloc_aligned(w->prepare(&g), 1);
    if (!work) abort();
    w->run(&g, s->a, b, s->bias, c, work, NULL);
    ct_free(work);
    if (packed) ct_free(b);
    return c;
}

static float as_read(const ct_gemm *g, float x) { return g->bf16 ? ct_bf16_to_f32(ct_bf16_from_f32(x)) : x; }
static float a_at(const sample *s, int64_t i, int64_t k) {
    const ct_gemm *g = &s->g;
    return as_read(g, s->a[g->ta ? k * g->lda + i : i * g->lda + k]);
}
static float b_at(const sample *s, int64_t k, int64_t j) {
    const ct_gemm *g = &s->g;
    return as_read(g, s->b[g->tb ? j * g->ldb + k : k * g->ldb + j]);
}

/* Sets *want to an element by doubles, and returns what rounding may make of it. */
static double reference(const sample *s, int64_t item, int64_t i, int64_t j, double *want) {
    const ct_gemm *g = &s->g;
    sample one = *s;
    one.a += item * g->step_a, one.b += item * g->step_b;
    double sum = 0, size = 0;
    for (int64_t k = 0; k < g->k; k++) {
        double x = (double)a_at(&one, i, k) * b_at(&one, k, j);
        sum += x, size += fabs(x);
    }
    if (g->acc) sum += s->c[item * g->step_c + i * g->ldc + j], size += 1;
    if (s->bias) sum += s->bias[j], size += 1;
    *want = g->relu && sum < 0 ? 0 : sum;
    return 4e-7 * size + 2e-7 * sqrt((double)g->k + 1);
}

/* By AVX-512's dot products: pairs of steps, the second one first. */
static float dot_sum(const sample *s, int64_t i, int64_t j) {
    float sum = 0;
    for (int64_t k = 0; k < s->g.k; k += 2) {
        if (k + 1 < s->g.k) sum = fmaf(a_at(s, i, k + 1), b_at(s, k + 1, j), sum);
        sum = fmaf(a_at(s, i, k), b_at(s, k, j), sum);
    }
    return sum;
}

/* A block of k's sum, by the definition. */
static float block_sum(const sample *s, int64_t i, int64_t j, int64_t k0, int64_t k1) {
    float even = 0, odd = 0;
    for (int64_t k = k0; k < k1; k++) {
        float *sum = s->g.bf16 && (k - k0) % 2 ? &odd : &even;
        *sum = fmaf(a_at(s, i, k), b_at(s, k, j), *sum);
    }
    return even + odd;
}

/* The definition, a scalar at a time. */
static float defined(const sample *s, int64_t i, int64_t j, bool dots) {
    const ct_gemm *g = &s->g;
    int64_t blocks = (g->k + 383) / 384, kb = blocks ? ((g->k + blocks - 1) / blocks + 7) / 8 * 8 : 0;
    float sum = 0, c = g->acc ? s->c[i * g->ldc + j] : 0;
    if (g->bf16) kb = 32;
    if (dots) sum = dot_sum(s, i, j);
    for (int64_t k0 = 0; k0 < g->k && !dots; k0 += kb) {
        float p = block_sum(s, i, j, k0, k0 + kb < g->k ? k0 + kb : g->k);
        if (g->bf16)
            sum += p;
        else
            c = k0 || g->acc ? c + p : p;
    }
    if (g->bf16) c += sum;
    if (s->bias) c += s->bias[j];
    return g->relu && c <= 0 ? 0 : c;
}

static bool near_doubles(const sample *s, const float *c) {
    const ct_gemm *g = &s->g;
    for (int64_t r = 0; r < g->batch * g->m; r++)
        for (int64_t j = 0; j < g->n; j++) {
            double want, tolerance = reference(s, r / g->m, r % g->m, j, &want);
            if (!(fabs(c[r / g->m * g->step_c + r % g->m * g->ldc + j] - want) <= tolerance)) return false;
        }
    return true;
}

/* Nothing between C's rows was written. */
static bool gaps_kept(const sample *s, const float *c) {
    const ct_gemm *g = &s->g;
    for (int64_t i = 0; i < s->size_c; i++)
        if (i % g->step_c % g->ldc >= g->n && memcmp(&c[i], &s->c[i], sizeof *c)) return false;
    return true;
}

static bool as_defined(const sample *s, const float *c, bool dots) {
    for (int64_t i = 0; i < s->g.m; i++)
        for (int64_t j = 0; j < s->g.n; j++)
            if (c[i * s->g.ldc + j] != defined(s, i, j, dots)) return false;
    return true;
}

static bool small(const ct_gemm *g) { return g->batch == 1 && g->m * g->n * g->k < 100000; }

/* Whether a build has bits of its own: those of dot products. */
static bool by_dots(const build *w, const ct_gemm *g) {
    return g->bf16 && !strcmp(w->name, "v4") && ct_cpu_bf16() == CT_BF16_DOT;
}

static void say(const build *w, const ct_gemm *g, int threads, bool packed) {
    printf("    %s, %d threads: %ld x %ld x %ld, batch %ld, packed %d, ta %d, tb %d, acc %d, relu %d, bf16 %d\n",
           w->name, threads, (long)g->m, (long)g->n, (long)g->k, (long)g->batch, packed, g->ta, g->tb, g->acc, g->relu,
           g->bf16);
}

/* All builds, 1 to 3 threads, packed or not. */
static void check_sample(sample *s) {
    float *fused = NULL;
    size_t bytes = (size_t)s->size_c * sizeof *s->c;
    for (size_t w = 0; w < sizeof builds / sizeof *builds; w++) {
        if (!builds[w].can) continue;
        float *first = run(&builds[w], s, 1, false);
        bool ok = CHECK(near_doubles(s, first)) & CHECK(gaps_kept(s, first));
        bool dots = by_dots(&builds[w], &s->g);
        bool same = (builds[w].fused || s->g.bf16) && !dots; /* the bits of any other */
        if (dots && small(&s->g)) ok &= CHECK(as_defined(s, first, true));
        if (same && fused) ok &= CHECK(!memcmp(first, fused, bytes));
        if (!ok) say(&builds[w], &s->g, 1, false);
        for (int t = 1; t <= 3; t++)
            for (int packed = 0; packed < 2; packed++) {
                float *c = run(&builds[w], s, t, packed);
                if (!CHECK(!memcmp(c, first, bytes))) say(&builds[w], &s->g, t, packed);
                ct_free(c);
            }
        if (same && !fused)
            fused = first;
        else
            ct_free(first);
    }
    if (fused && small(&s->g)) CHECK(as_defined(s, fused, false));
    ct_free(fused);
    drop(s);
}

static void test_shapes(void) {
    static const int64_t shapes[][4] = {
        /* m, n, k, batch */
        {1, 1, 1, 1},     {1, 128, 784, 1},  {1, 33, 5, 1},    {1, 70, 391, 2},   {37, 1, 100, 1},  {1, 1, 1500, 1},
        {64, 10, 128, 1}, {10, 128, 64, 1},  {64, 128, 10, 1}, {3, 100, 20, 1},   {2, 200, 385, 1}, {14, 32, 16, 1},
        {29, 65, 769, 1}, {64, 128, 784, 1}, {130, 96, 64, 1}, {6, 16, 8, 5},     {64, 64, 32, 7},  {200, 40, 200, 1},
        {17, 31, 0, 2},   {256, 17, 256, 1}, {60, 300, 40, 1}, {90, 256, 512, 1}, {2, 3, 2, 1},     {3, 2, 3, 3},
        {33, 61, 67, 1},  {1, 96, 40, 1},    {5, 96, 40, 1},   {19, 160, 90, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int t = 0; t < 8; t++) {
            ct_gemm g = {
                .bf16 = t & 4, .ta = t & 1, .tb = t & 2, .m = shapes[i][0], .n = shapes[i][1], .k = shapes[i][2]};
            g.batch = shapes[i][3], g.acc = i & 1, g.relu = i & 2;
            sample s = make(g, i % 3 == 0);
            check_sample(&s);
        }
}

static void test_random(void) {
    for (int i = 0; i < 200; i++) {
        ct_gemm g = {.bf16 = i % 4 == 0, .ta = below(2), .tb = below(2), .acc = below(2), .relu = below(2)};
        g.m = 1 + below(below(2) ? 4 : 80), g.n = 1 + below(below(3) ? 200 : 4), g.k = 1 + below(below(3) ? 60 : 900);
        g.batch = 1 + below(2) * below(4), g.lda = below(4), g.ldb = below(4), g.ldc = below(4);
        sample s = make(g, below(2));
        check_sample(&s);
    }
}

/* Products large enough that A and B are cut, packed by parts, and B once for all; of some, blocks of k are made apart.
 */
static void test_large(void) {
    static const int64_t shapes[][5] = {/* m, n, k, ta, tb */
                                        {700, 70, 400, 0, 1},  {40, 1500, 700, 1, 0}, {330, 330, 330, 0, 1},
                                        {400, 90, 1100, 1, 0}, {200, 200, 200, 0, 1}, {300, 300, 1500, 1, 0},
                                        {75, 333, 430, 0, 0},  {500, 130, 800, 1, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int64_t *of = shapes[i];
        ct_gemm g = {.ta = of[3], .tb = of[4], .m = of[0], .n = of[1], .k = of[2], .batch = 1};
        g.acc = i > 1, g.relu = i > 2;
        sample s = make(g, true);
        check_sample(&s);
    }
}

static void test_row_alone(void) { /* has the bits that it has in a batch */
    for (size_t w = 0; w < 2 * sizeof builds / sizeof *builds; w++) {
        if (!builds[w / 2].can) continue;
        sample s = make((ct_gemm){.bf16 = w % 2, .tb = true, .m = 20, .n = 50, .k = 800, .batch = 1}, true), one = s;
        one.g.m = 1, one.size_c = s.g.n;
        float *all = run(&builds[w / 2], &s, 1, false), *row = run(&builds[w / 2], &one, 1, false);
        CHECK(!memcmp(all, row, (size_t)s.g.n * sizeof *row));
        ct_free(all), ct_free(row);
        drop(&s);
    }
}

static void test_nothing(void) {
    for (size_t w = 0; w < sizeof builds / sizeof *builds; w++) {
        if (!builds[w].can) continue;
        for (int i = 0; i < 3; i++) {
            ct_gemm g = {
                .m = i == 0 ? 0 : 3, .n = i == 1 ? 0 : 3, .k = 3, .lda = 3, .ldb = 3, .ldc = 3, .batch = i != 2};
            CHECK(builds[w].prepare(&g) == 0);
            builds[w].run(&g, NULL, NULL, NULL, NULL, NULL, NULL);
        }
        ct_gemm g = {.m = 2, .n = 3, .ldc = 4, .ldb = 3, .batch = 1};
        float c[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        builds[w].prepare(&g);
        builds[w].run(&g, NULL, NULL, NULL, c, NULL, NULL); /* k is 0 */
        CHECK(c[0] == 0 && c[2] == 0 && c[3] == 4 && c[4] == 0 && c[6] == 0 && c[7] == 8);
    }
}

static void test_nan(void) { /* is not hidden by relu, nor spread to other rows */
    for (size_t w = 0; w < sizeof builds / sizeof *builds; w++) {
        if (!builds[w].can) continue;
        for (int64_t m = 1; m <= 15; m += 7) {
            sample s =
                make((ct_gemm){.bf16 = m > 8, .tb = true, .relu = true, .m = m, .n = 40, .k = 20, .batch = 1}, false);
            s.a[(m - 1) * 20 + 7] = NAN;
            float *c = run(&builds[w], &s, 1, false);
            int64_t nans = 0, negative = 0;
            for (int64_t i = 0; i < m * 40; i++) nans += isnan(c[i]) != 0, negative += c[i] < 0;
            CHECK(nans == 40 && isnan(c[(m - 1) * 40]) && !negative);
            ct_free(c);
            drop(&s);
        }
    }
}

/* A plan made for fewer threads than run it: its tasks share the workspace there is. */
static void test_fewer_slots(void) {
    for (size_t w = 0; w < sizeof builds / sizeof *builds; w++) {
        if (!builds[w].can) continue;
        sample s = make((ct_gemm){.tb = true, .m = 40, .n = 50, .k = 60, .batch = 16}, false);
        float *want = run(&builds[w], &s, 1, false);
        s.g.threads = 1;
        float *c = run(&builds[w], &s, 3, false);
        CHECK(!memcmp(c, want, (size_t)s.size_c * sizeof *c));
        ct_free(c), ct_free(want);
        drop(&s);
    }
}

int main(void) {
    find_builds();
    RUN(test_nothing);
    RUN(test_shapes);
    RUN(test_random);
    RUN(test_large);
    RUN(test_row_alone);
    RUN(test_nan);
    RUN(test_fewer_slots);
    return check_done("gemm");
}
