/* Elementary functions written in plain C, so that their bits are those of any machine: libm's differ from one C
   library, and from one version of it, to the next. Within 1.1 units in the last place, erfc within 4
   (tests/unit/test_math.c); special values as C says. What IEEE 754 rounds exactly (sqrt, floor, fmod, ...) stays
   libm's. */
#ifndef CT_BASE_MATH_H
#define CT_BASE_MATH_H

double ct_exp_f64(double x);
double ct_expm1_f64(double x);
double ct_log_f64(double x);
double ct_log1p_f64(double x);
double ct_pow_f64(double x, double y);
double ct_sin_f64(double x);
double ct_cos_f64(double x);
double ct_tan_f64(double x);
double ct_atan2_f64(double y, double x);
double ct_tanh_f64(double x);
double ct_erf_f64(double x);
double ct_erfc_f64(double x);
#endif
