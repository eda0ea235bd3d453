/* Which instruction sets this build has and this processor runs, best first. */
#include "kernels/backend.h"
#include <stdatomic.h>
#include <stddef.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

extern const ct_backend ct_backend_v2, ct_backend_v3, ct_backend_v4;
#define CAN(feature) __builtin_cpu_supports(feature)
static bool runs_v2(void) { return CAN("sse4.2") && CAN("ssse3") && CAN("popcnt"); }
static bool runs_v3(void) { return runs_v2() && CAN("avx2") && CAN("fma") && CAN("bmi") && CAN("bmi2"); }
static bool runs_v4(void) {
    return runs_v3() && CAN("avx512f") && CAN("avx512bw") && CAN("avx512cd") && CAN("avx512dq") && CAN("avx512vl");
}
const ct_backend_choice ct_backends_cpu[] = {
    {&ct_backend_v4, runs_v4}, {&ct_backend_v3, runs_v3}, {&ct_backend_v2, runs_v2}, {NULL, NULL}};

/* The vectors' instructions come first: packing for AMX converts by them too. AMX's registers are the process's only
   once it has asked for them. */
static ct_bf16_way find_bf16(void) {
    enum { BF16_TILES = 1 << 22, TILES = 1 << 24, BF16_VECTORS = 1 << 5, REQUEST = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d;
    if (!runs_v4() || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & BF16_VECTORS)) return CT_BF16_PLAIN;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & BF16_TILES) || !(d & TILES)) return CT_BF16_DOT;
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) ? CT_BF16_DOT : CT_BF16_AMX;
}

static _Atomic int known; /* plus 1 */
ct_bf16_way ct_cpu_bf16(void) {
    int none = 0;
    if (!known) atomic_compare_exchange_strong(&known, &none, (int)find_bf16() + 1);
    return (ct_bf16_way)(known - 1);
}
void ct_cpu_bf16_portable(void) {
    if (ct_cpu_bf16() == CT_BF16_DOT) known = CT_BF16_PLAIN + 1;
}
#else
ct_bf16_way ct_cpu_bf16(void) { return CT_BF16_PLAIN; }
void ct_cpu_bf16_portable(void) {}
extern const ct_backend ct_backend_generic;
static bool runs(void) { return true; }
const ct_backend_choice ct_backends_cpu[] = {{&ct_backend_generic, runs}, {NULL, NULL}};
#endif
