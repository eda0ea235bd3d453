/* Which instruction sets this build has and this processor runs, best first. */
#include "kernels/backend.h"
#include <stddef.h>

#if defined(__x86_64__)
extern const ct_backend ct_backend_v2, ct_backend_v3, ct_backend_v4;
#define CAN(feature) __builtin_cpu_supports(feature)
static bool runs_v2(void) { return CAN("sse4.2") && CAN("ssse3") && CAN("popcnt"); }
static bool runs_v3(void) { return runs_v2() && CAN("avx2") && CAN("fma") && CAN("bmi") && CAN("bmi2"); }
static bool runs_v4(void) {
    return runs_v3() && CAN("avx512f") && CAN("avx512bw") && CAN("avx512cd") && CAN("avx512dq") && CAN("avx512vl");
}
const ct_backend_choice ct_backends_cpu[] = {
    {&ct_backend_v4, runs_v4}, {&ct_backend_v3, runs_v3}, {&ct_backend_v2, runs_v2}, {NULL, NULL}};
#else
extern const ct_backend ct_backend_generic;
static bool runs(void) { return true; }
const ct_backend_choice ct_backends_cpu[] = {{&ct_backend_generic, runs}, {NULL, NULL}};
#endif
