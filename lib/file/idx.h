/* IDX, the format of MNIST: a type, dims, and numbers, all big-endian. */
#ifndef CT_FILE_IDX_H
#define CT_FILE_IDX_H
#include "tensor/tensor.h"

/* Writes u8, i32, f32 or f64 of one to CT_MAX_DIMS dims, none of them 0 (see idx.c). Reading is in ctorch.h. */
ct_status ct_idx_write(const char *path, const ct_tensor *t);
#endif
