/* A matrix's rows times a vector, the matrix read once where it lies: the product with one row (or one column). */
#ifndef CT_KERNELS_CPU_GEMM_VECTOR_H
#define CT_KERNELS_CPU_GEMM_VECTOR_H
#include "kernels/cpu/gemm_pack.h"

#define VR 32 /* rows at a time: enough chains of multiply-adds to hide their latency */

typedef struct gemm_vector {
    int64_t k, kb;
    const float *x, *rows, *bias; /* bias: NULL, or from an element to the next by bias_step */
    float *c;
    int64_t ld, step, bias_step; /* from a row to the next, from an element of c to the next */
    bool acc, relu;
} gemm_vector;

/* The sums of n <= VR rows over the block of k from k0 to k1. Whole vectors are read while the row has them; the last
   is moved back to the row's end, and only its steps that belong here are taken. */
CT_INLINE void vector_block(const gemm_vector *v, const float *rows, int64_t n, int64_t k0, int64_t k1, float *sum) {
    vf s[VR / VW];
    CT_EACH(g, VR / VW) { s[g] = (vf){0}; }
    for (int64_t q = k0; q < k1; q += VW) {
        int64_t at = q + VW <= v->k ? q : v->k - VW, end = k1 - at < VW ? k1 - at : VW;
        const float *x = v->x + at;
        CT_EACH(g, VR / VW) {
            vf r[VW];
            if (g * VW >= n) break;
            load_rows(n - g * VW, rows + g * VW * v->ld + at, v->ld, r);
            transpose(r);
            if (at == q && end == VW) {
                CT_EACH(i, VW) { s[g] = vfma(vset(x[i]), r[i], s[g]); }
            } else {
                for (int64_t i = q - at; i < end; i++) s[g] = vfma(vset(x[i]), r[i], s[g]);
            }
        }
    }
    CT_EACH(g, VR / VW) { vstore(sum + g * VW, s[g]); }
}

static void vector_block_short(const gemm_vector *v, const float *rows, int64_t n, float *sum) { /* k < VW */
    for (int64_t i = 0; i < n; i++) {
        sum[i] = 0;
        for (int64_t q = 0; q < v->k; q++) sum[i] = sfma(v->x[q], rows[i * v->ld + q], sum[i]);
    }
}

/* Rows [begin, end). */
static void vector_rows(const gemm_vector *v, int64_t begin, int64_t end) {
    int64_t most = v->ld % 512 ? VR : 16; /* rows that share a cache set: fewer at a time */
    for (int64_t j = begin, n; j < end; j += n) {
        n = end - j < most ? end - j : most;
        const float *rows = v->rows + j * v->ld, *bias = v->bias ? v->bias + j * v->bias_step : NULL;
        float sum[VR], *c = v->c + j * v->step;
        for (int64_t k0 = 0; k0 < v->k; k0 += v->kb) {
            bool add = v->acc || k0, last = k0 + v->kb >= v->k;
            if (v->k < VW)
                vector_block_short(v, rows, n, sum);
            else
                vector_block(v, rows, n, k0, last ? v->k : k0 + v->kb, sum);
            for (int64_t i = 0; i < n; i++) {
                float x = add ? c[i * v->step] + sum[i] : sum[i];
                if (last && bias) x += bias[i * v->bias_step];
                c[i * v->step] = last && v->relu && x <= 0 ? 0 : x;
            }
        }
    }
}
#endif
