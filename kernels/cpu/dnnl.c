#include "kernels/cpu/conv.h"
static bool no(const conv_problem *p) { (void)p; return false; }
const conv_method ct_conv_dnnl = {no, 0, 0, 0};
