/* The f32 product and what joins it: C (m, n) = relu(op(A) op(B) [+ C] [+ bias]).
   The bits of an element depend on its row of A, its column of B and k alone: k is cut into ceil(k / 384) equal blocks
   (rounded up to 8), a block is a chain of fused multiply-adds from 0 in rising k, blocks are added in order. Neither
   threads, nor the vector's width (where there is FMA), nor tails, batches and packing change one. */
#ifndef CT_KERNELS_CPU_GEMM_H
#define CT_KERNELS_CPU_GEMM_H
#include "kernels/cpu/simd.h"
#include "kernels/kernel.h"
#include <stdbool.h>
#include <stddef.h>

/* How the work is cut: ct_gemm_prepare's notes to ct_gemm_run. */
typedef struct ct_gemm_plan {
    int64_t kb;            /* a block of k */
    int64_t tiles, panels; /* of rows, of columns */
    int64_t at_once;       /* panels that a tile takes, where as many are left */
    int64_t rows, rest;    /* of a tile; tiles that have one more */
    int64_t gm, gn, gk;    /* the grid of tasks over them; blocks of k made apart, or 1 */
    int64_t mc, nc;        /* tiles and panels packed at a time */
    int64_t slot;          /* floats of workspace: a task's, */
    int64_t shared, sums;  /* and B packed once, and blocks of k beside C */
    int64_t grain;         /* tasks claimed at a time */
    int slots;             /* tasks that can run at once */
    bool vector;           /* m or n is 1: a matrix's rows times a vector */
    bool pack_a, in_place; /* A is copied first; B is read where it lies */
    bool as_used;          /* A stays near: B's panels are packed just before their use */
    bool columns_first;    /* neighbouring tasks share columns, not rows */
} ct_gemm_plan;

typedef struct ct_gemm {
    bool ta, tb;    /* A is stored (k, m), B is stored (n, k) */
    bool acc, relu; /* add to C; then max(x, 0), NaN kept */
    bool rows;      /* a tail follows, for which whole rows of C at a time are cheaper */
    bool bf16;      /* inputs are rounded to bf16 (gemm_bf16.h says what the bits are then) */
    bool packed;    /* b is what ct_gemm_pack wrote (step_b still apart) */
    int64_t m, n, k;
    int64_t lda, ldb, ldc; /* from a stored row to the next */
    int64_t batch;         /* products, each step_* after the last; 1 for one (0 is none) */
    int64_t step_a, step_b, step_c;
    int threads; /* that the workspace is for; 0: ct_threads() */
    ct_gemm_plan plan;
} ct_gemm;

/* Fills in the plan; the bytes of workspace that a run needs, 64-byte aligned, for one run at a time. */
#define ct_gemm_prepare CT_ISA_NAME(ct_gemm_prepare)
size_t ct_gemm_prepare(ct_gemm *g);
/* bias: n floats or NULL; tail: NULL, or run on C. Allocates nothing; `g` may be shared by runs that have their own
   workspaces. */
#define ct_gemm_run CT_ISA_NAME(ct_gemm_run)
void ct_gemm_run(const ct_gemm *g, const float *a, const float *b, const float *bias, float *c, void *work,
                 const ct_tail *tail);

/* B packed ahead, for weights that serve many products: bytes, and the packing (from g's bf16, tb, n, k, ldb). */
#define ct_gemm_packed_size CT_ISA_NAME(ct_gemm_packed_size)
size_t ct_gemm_packed_size(const ct_gemm *g);
#define ct_gemm_pack CT_ISA_NAME(ct_gemm_pack)
void ct_gemm_pack(const ct_gemm *g, const float *b, float *packed);
#endif
