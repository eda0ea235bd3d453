/* Inside ct_gemm: products whose inputs are rounded to bf16. The bits of an element depend on its row of A, its column
   of B and k alone: k is cut into blocks of 32, a block is the sum of two chains of multiply-adds from 0, of its even
   and of its odd steps, and blocks are added in order. That is what AMX does, and what others do in its place; but for
   AVX-512's dot products, which are one chain over k, of each pair of steps the second one first. Both take denormals
   for 0, so the same bits are to be had where this thread's flags do. */
#ifndef CT_KERNELS_CPU_GEMM_BF16_H
#define CT_KERNELS_CPU_GEMM_BF16_H
#include "kernels/cpu/gemm.h"

#define ct_gemm_bf16_prepare CT_ISA_NAME(ct_gemm_bf16_prepare)
size_t ct_gemm_bf16_prepare(ct_gemm *g);
#define ct_gemm_bf16_run CT_ISA_NAME(ct_gemm_bf16_run)
void ct_gemm_bf16_run(const ct_gemm *g, const float *a, const float *b, const float *bias, float *c, void *work,
                      const ct_tail *tail);
#define ct_gemm_bf16_packed_size CT_ISA_NAME(ct_gemm_bf16_packed_size)
size_t ct_gemm_bf16_packed_size(const ct_gemm *g);
#define ct_gemm_bf16_pack CT_ISA_NAME(ct_gemm_bf16_pack)
void ct_gemm_bf16_pack(const ct_gemm *g, const float *b, float *packed);
#endif
