/* What an op costs, from its shapes. */
#ifndef CT_OPS_WORK_H
#define CT_OPS_WORK_H
#include "kernels/kernel.h"

/* Multiply-adds of a product or a convolution, direct, as papers count them; of any other op 0. INT64_MAX: that or
   more. */
int64_t ct_work(const ct_call *call);
#endif
