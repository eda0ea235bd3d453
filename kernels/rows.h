/* The rows of pointwise.def as row functions on the type CT_T, and a table of them, rows_CT_T[CT_OP_...]; included once
   a type. Where CT_INTEGER is defined: no rows of class FLOAT, no gradients. */
#ifndef CT_ROWS_ONCE
#define CT_ROWS_ONCE
#define ROWS(name) WORD_PASTE(rows_##name, CT_T)
#define ROW_ARGS int64_t n, const void *const *in, const int64_t *st, void *out, int64_t so, const void *args

/* The row function by its body: where an argument chooses between two long computations (gelu: by erf or by tanh), the
   body is compiled once for each choice. */
#define PICK_(a, b, ...) b
#define PICK(...) PICK_(__VA_ARGS__)
#define CALL_PLAIN(body) body(n, in, st, out, so, args)
#define CHOICES_gelu ~, CALL_GELU
#define CALL_GELU(body)                            \
    static const ct_gelu_args by[] = {{0}, {1}};   \
    if (((const ct_gelu_args *)args)->approximate) \
        body(n, in, st, out, so, &by[1]);          \
    else                                           \
        body(n, in, st, out, so, &by[0])
#define ROW_OF(name, argt) \
    static void ROWS(name)(ROW_ARGS) { PICK(WORD_PASTE(CHOICES, argt), CALL_PLAIN, ~)(WORD_PASTE(body_##name, CT_T)); }
#define BODY(name) WORD void WORD_PASTE(body_##name, CT_T)(ROW_ARGS)

/* Loops for the strides that matter, so that the compiler sees constants. */
#define LOOP_(cond, ...)                                                 \
    if (cond) {                                                          \
        _Pragma("omp simd") for (int64_t i = 0; i < n; i++) __VA_ARGS__; \
        return;                                                          \
    }
#define DEFINE1(name, OUT, argt, y_)      \
    BODY(name) {                          \
        const ct_##argt##_args *p = args; \
        (void)p;                          \
        const CT_T *px = in[0];           \
        OUT *o = out;                     \
        int64_t s0 = st[0];               \
        LOOP_(s0 == 1 && so == 1, {       \
            CT_T x = px[i];               \
            o[i] = (OUT)(y_);             \
        })                                \
        for (int64_t i = 0; i < n; i++) { \
            CT_T x = px[i * s0];          \
            o[i * so] = (OUT)(y_);        \
        }                                 \
    }                                     \
    ROW_OF(name, argt)
#define DEFINE2(name, OUT, argt, y_)             \
    static void ROWS(name)(ROW_ARGS) {           \
        const ct_##argt##_args *p = args;        \
        (void)p;                                 \
        const CT_T *pa = in[0], *pb = in[1];     \
        OUT *o = out;                            \
        int64_t s0 = st[0], s1 = st[1];          \
        LOOP_(s0 == 1 && s1 == 1 && so == 1, {   \
            CT_T a = pa[i], b = pb[i];           \
            o[i] = (OUT)(y_);                    \
        })                                       \
        LOOP_(s0 == 1 && s1 == 0 && so == 1, {   \
            CT_T a = pa[i], b = pb[0];           \
            o[i] = (OUT)(y_);                    \
        })                                       \
        LOOP_(s0 == 0 && s1 == 1 && so == 1, {   \
            CT_T a = pa[0], b = pb[i];           \
            o[i] = (OUT)(y_);                    \
        })                                       \
        for (int64_t i = 0; i < n; i++) {        \
            CT_T a = pa[i * s0], b = pb[i * s1]; \
            o[i * so] = (OUT)(y_);               \
        }                                        \
    }
#define DEFINE3(name, OUT, argt, y_)                             \
    static void ROWS(name)(ROW_ARGS) {                           \
        const ct_##argt##_args *p = args;                        \
        (void)p;                                                 \
        const CT_T *pa = in[0], *pb = in[1], *pc = in[2];        \
        OUT *o = out;                                            \
        int64_t s0 = st[0], s1 = st[1], s2 = st[2];              \
        LOOP_(s0 == 1 && s1 == 1 && s2 == 1 && so == 1, {        \
            CT_T a = pa[i], b = pb[i], c = pc[i];                \
            o[i] = (OUT)(y_);                                    \
        })                                                       \
        for (int64_t i = 0; i < n; i++) {                        \
            CT_T a = pa[i * s0], b = pb[i * s1], c = pc[i * s2]; \
            o[i * so] = (OUT)(y_);                               \
        }                                                        \
    }
/* Gradients: inputs g, x..., y. An input that the words do not mention is absent, with stride 0. */
#define GRAD1(name, argt, d_)                                    \
    BODY(name) {                                                 \
        const ct_##argt##_args *p = args;                        \
        (void)p;                                                 \
        const CT_T *pg = in[0], *px = in[1], *py = in[2];        \
        CT_T *o = out;                                           \
        int64_t s0 = st[0], s1 = st[1], s2 = st[2];              \
        LOOP_(s0 == 1 && s1 == 0 && s2 == 1 && so == 1, {        \
            CT_T g = pg[i], x = px[0], y = py[i];                \
            (void)g;                                             \
            (void)x;                                             \
            (void)y;                                             \
            o[i] = (d_);                                         \
        })                                                       \
        LOOP_(s0 == 1 && s1 == 1 && s2 == 0 && so == 1, {        \
            CT_T g = pg[i], x = px[i], y = py[0];                \
            (void)g;                                             \
            (void)x;                                             \
            (void)y;                                             \
            o[i] = (d_);                                         \
        })                                                       \
        for (int64_t i = 0; i < n; i++) {                        \
            CT_T g = pg[i * s0], x = px[i * s1], y = py[i * s2]; \
            (void)g;                                             \
            (void)x;                                             \
            (void)y;                                             \
            o[i * so] = (d_);                                    \
        }                                                        \
    }                                                            \
    ROW_OF(name, argt)
#define GRAD2(name, argt, d_)                                                    \
    static void ROWS(name)(ROW_ARGS) {                                           \
        const ct_##argt##_args *p = args;                                        \
        (void)p;                                                                 \
        const CT_T *pg = in[0], *pa = in[1], *pb = in[2], *py = in[3];           \
        CT_T *o = out;                                                           \
        int64_t s0 = st[0], s1 = st[1], s2 = st[2], s3 = st[3];                  \
        LOOP_(s0 == 1 && s1 == 1 && s2 == 1 && s3 == 0 && so == 1, {             \
            CT_T g = pg[i], a = pa[i], b = pb[i], y = py[0];                     \
            (void)g;                                                             \
            (void)a;                                                             \
            (void)b;                                                             \
            (void)y;                                                             \
            o[i] = (d_);                                                         \
        })                                                                       \
        for (int64_t i = 0; i < n; i++) {                                        \
            CT_T g = pg[i * s0], a = pa[i * s1], b = pb[i * s2], y = py[i * s3]; \
            (void)g;                                                             \
            (void)a;                                                             \
            (void)b;                                                             \
            (void)y;                                                             \
            o[i * so] = (d_);                                                    \
        }                                                                        \
    }
#define GRAD3(name, argt, d_)                                                                                   \
    static void ROWS(name)(ROW_ARGS) {                                                                          \
        const ct_##argt##_args *p = args;                                                                       \
        (void)p;                                                                                                \
        const CT_T *pg = in[0], *pa = in[1], *pb = in[2], *pc = in[3], *py = in[4];                             \
        CT_T *o = out;                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                                       \
            CT_T g = pg[i * st[0]], a = pa[i * st[1]], b = pb[i * st[2]], c = pc[i * st[3]], y = py[i * st[4]]; \
            (void)g;                                                                                            \
            (void)a;                                                                                            \
            (void)b;                                                                                            \
            (void)c;                                                                                            \
            (void)y;                                                                                            \
            o[i * so] = (d_);                                                                                   \
        }                                                                                                       \
    }
#endif

#ifdef CT_INTEGER
#define OF_FLOAT(...)
#define OF_GRAD(...)
#else
#define OF_FLOAT(...) __VA_ARGS__
#define OF_GRAD(...) __VA_ARGS__
#endif
#define OF_NUMBER(...) __VA_ARGS__
#define OF_ALL(...) __VA_ARGS__

#define POINTWISE1(name, class, a_, d0, y_, dx) \
    OF_##class(DEFINE1(name, CT_T, a_, y_)) OF_GRAD(GRAD1(name##_d0, a_, dx))
#define POINTWISE2(name, class, a_, other, d0, d1, y_, da, db) \
    OF_##class(DEFINE2(name, CT_T, a_, y_)) OF_GRAD(GRAD2(name##_d0, a_, da) GRAD2(name##_d1, a_, db))
#define POINTWISE3(name, class, a_, second, third, d0, d1, d2, y_, da, db, dc) \
    OF_##class(DEFINE3(name, CT_T, a_, y_))                                    \
        OF_GRAD(GRAD3(name##_d0, a_, da) GRAD3(name##_d1, a_, db) GRAD3(name##_d2, a_, dc))
#define COMPARE1(name, d0, y_) DEFINE1(name, u8, none, y_)
#define COMPARE2(name, other, d0, d1, y_) DEFINE2(name, u8, none, y_)
#include "kernels/pointwise.def"
#undef POINTWISE1
#undef POINTWISE2
#undef POINTWISE3
#undef COMPARE1
#undef COMPARE2

#define ENTRY(name) [CT_OP_##name] = ROWS(name),
#define POINTWISE1(name, class, ...) OF_##class(ENTRY(name)) OF_GRAD(ENTRY(name##_d0))
#define POINTWISE2(name, class, ...) POINTWISE1(name, class) OF_GRAD(ENTRY(name##_d1))
#define POINTWISE3(name, class, ...) POINTWISE2(name, class) OF_GRAD(ENTRY(name##_d2))
#define COMPARE1(name, ...) ENTRY(name)
#define COMPARE2(name, ...) ENTRY(name)
static const ct_row_fn WORD_PASTE(rows, CT_T)[CT_OP_COUNT] = {
#include "kernels/pointwise.def"
};
#undef POINTWISE1
#undef POINTWISE2
#undef POINTWISE3
#undef COMPARE1
#undef COMPARE2
#undef ENTRY
#undef OF_FLOAT
#undef OF_GRAD
#undef OF_NUMBER
#undef OF_ALL
