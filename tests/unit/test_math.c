/* lib/base/math.c: against values computed to 400 digits, against the C library over many, at C's special values; one
   hash of many bits, which is any machine's; and the kernels' own of floats, on each instruction set. */
#include "base/math.h"
#include "ops/ops.h"
#include "vectors.h"

#define MANY 20000

typedef double fn1(double x);
typedef double fn2(double x, double y);
typedef struct value {
    double x, y;
} value;
typedef struct value2 {
    double x, y, z;
} value2;

/* A function of one argument: ours, libm's, from where to where they are compared, units in the last place. */
static const struct row {
    fn1 *ours, *libm;
    double low, high, units;
    value of[16];
} rows[] = {
    {ct_exp_f64,
     exp,
     -745,
     710,
     1.1,
     {{-0x1.1ccef3376836p+5, 0x1.8e877f961142cp-52},
      {0x1.b8ec4a37321ep+7, 0x1.0aa25c1118f4ap+318},
      {0x1.d1f306946cc5p+7, 0x1.148c48c2e5418p+336},
      {-0x1.f45c0894367b8p+8, 0x1.18e1e1cc4843dp-722},
      {-0x1.f4e100006eaeep-1, 0x1.80fb0240c4886p-2},
      {-0x1.0080b78478564p-2, 0x1.8e8cddbba57c8p-1},
      {-0x1.cebfd95b49908p-2, 0x1.45d83e9c9262fp-1},
      {0x1.3dcbe13ae86eap-1, 0x1.dc378ab2ba8b5p+0},
      {-0x1.724p+9, 0x0.0000000000033p-1022}}},
    {ct_expm1_f64,
     expm1,
     -40,
     60,
     1.1,
     {{0x1.865570dd45afp-1, 0x1.24b2ab01792ebp+0},
      {0x1.9f916a748dcdp-2, 0x1.0047640fabe2bp-1},
      {0x1.dcb16001b4b3p-3, 0x1.0c5e618da27a4p-2},
      {0x1.4a62b59fcdb9cp-1, 0x1.d02493be9231p-1},
      {-0x1.6b35be82cf922p+0, -0x1.8417aa258538cp-1},
      {0x1.9b90516f1892p-1, 0x1.3bed88c862f4bp+0},
      {-0x1.2a42b69c71dcep+4, -0x1.ffffffbb1b20ep-1},
      {0x1.0b584960b7b5ap+5, 0x1.288d3a892ba0cp+48},
      {0x1.12e0be826d695p-30, 0x1.12e0be84bbb51p-30}}},
    {ct_log_f64,
     log,
     0,
     100,
     1.1,
     {{0x1.2d2d5557510cap-1, -0x1.0fae3d49abc46p-1},
      {0x1.ba6d4b399518ep+0, 0x1.181d366bf746ep-1},
      {0x1.394cd9d14c439p-1, -0x1.f6f361152e4d7p-2},
      {0x1.87c97da752f14p+0, 0x1.b3c109a9e527bp-2},
      {0x0.012688b70e62bp-1022, -0x1.64e69394d9508p+9},
      {0x1.f75104d551d69p-16, -0x1.4d420db4d09fap+3},
      {0x1.24a35bcdc760fp+667, 0x1.ce76827f9874cp+8},
      {0x1.4p+3, 0x1.26bb1bbb55516p+1}}},
    {ct_log1p_f64,
     log1p,
     -1,
     100,
     1.1,
     {{0x1.3c9dafc098b48p-4, 0x1.30f9a104e0216p-4},
      {0x1.17f14c9b5f1fap-2, 0x1.eef3c6018d88bp-3},
      {0x1.8b00110e8190cp+0, 0x1.ddddc52d476dbp-1},
      {-0x1.b12d2448a6a27p-1, -0x1.df01275b949c7p+0},
      {0x1.b7cdfd9d7bdbbp-34, 0x1.b7cdfd9d1d693p-34},
      {-0x1.4f8b588e368f1p-17, -0x1.4f8bc681e6006p-17},
      {0x1.043561a88293p+68, 0x1.7933d7e781273p+5},
      {-0x1.fffffca501acbp-1, -0x1.01e3b8440ed2fp+4}}},
    {ct_sin_f64,
     sin,
     -100000.0,
     100000.0,
     1.1,
     {{-0x1.1919090e6d7e4p+3, -0x1.31f533d5ab143p-1},
      {0x1.099f1cb4f6afcp+3, 0x1.cdc3651838003p-1},
      {0x1.6d9b04770254p-3, 0x1.6baaaea8f60c8p-3},
      {-0x1.05c62a90d8066p+3, -0x1.e4f54c6f1da77p-1},
      {0x1.fe177a620ab35p+78, 0x1.fffffa3bac2dep-1},
      {0x1.7e43c8800759cp+996, -0x1.a2c16b010e385p-1},
      {0x1.8p+1001, -0x1.d88a50486fab1p-2},
      {0x1.c6bf526340004p+49, 0x1.03ab66600ec7ap-1},
      {0x1.921fb54p+19, -0x1.10b4604c14bc8p-11},
      {0x1.921fb54442d18p+0, 0x1p+0},
      {0x1.921fb54442d18p+20, -0x1.1a62633145c07p-34},
      {0x1.6ac5b262ca1ffp+849, 0x1p+0}}},
    {ct_cos_f64,
     cos,
     -100000.0,
     100000.0,
     1.1,
     {{0x1.37c40871e79d8p+3, -0x1.e6586b612f301p-1},
      {0x1.1de576037fdc6p+3, -0x1.c3a1307056905p-1},
      {-0x1.eff6f1b642fcdp+2, 0x1.ab64b2666567cp-4},
      {-0x1.892ea1125ab38p+0, 0x1.1e13a1855ad6ap-5},
      {0x1.fe177a620ab35p+78, 0x1.33625056f6f1dp-11},
      {0x1.7e43c8800759cp+996, -0x1.2699022adc4c1p-1},
      {0x1.8p+1001, 0x1.c6399e8b707b1p-1},
      {0x1.c6bf526340004p+49, -0x1.b9441c6fa053p-1},
      {0x1.921fb54p+19, 0x1.fffffb7600cbfp-1},
      {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54},
      {0x1.921fb54442d18p+20, 0x1p+0},
      {0x1.6ac5b262ca1ffp+849, -0x1.14ae72e6ba22fp-61}}},
    {ct_tan_f64,
     tan,
     -100,
     100,
     1.1,
     {{-0x1.d31c6d09ae76ap+2, -0x1.9c8e8d3bf5881p+0},
      {-0x1.dfe554a5c02eap+1, -0x1.6403f7aa6ce3cp-1},
      {0x1.36eabfb29ce4p+1, -0x1.ba5b6cda32811p-1},
      {-0x1.aeb069e3d0bap+2, -0x1.ea0635028f183p-2},
      {0x1.fe177a620ab35p+78, 0x1.aa69404f79b91p+10},
      {0x1.7e43c8800759cp+996, 0x1.6be411f37ac77p+0},
      {0x1.8p+1001, -0x1.0a5289011693ap-1},
      {0x1.c6bf526340004p+49, -0x1.2d4b412fb6879p-1}}},
    {ct_tanh_f64,
     tanh,
     -4,
     4,
     1.1,
     {{0x1.2e56786a07c8p+0, 0x1.a7d151cf50f2dp-1},
      {-0x1.588f86eab4ap+1, -0x1.fb521e96ea183p-1},
      {-0x1.f903e11e9bc36p+0, -0x1.ec91996cd1a5fp-1},
      {0x1.e4e95dd00d3e8p+0, 0x1.e9565a02de59p-1},
      {-0x1.319b4796be51p-1, -0x1.11d568a4fe514p-1},
      {0x1.4f8b588e368f1p-17, 0x1.4f8b588e06854p-17},
      {0x1.8p+3, 0x1.ffffffff59f7cp-1},
      {0x1.70a3d70a3d70ap-3, 0x1.6cb5a984db976p-3}}},
    {ct_erf_f64,
     erf,
     -4,
     4,
     1.1,
     {{-0x1.4c6e34a9e8628p-2, -0x1.6a56205d90ca1p-2},
      {0x1.8918dcf06e1d8p-2, 0x1.a6b448133a1f3p-2},
      {-0x1.7ca10b202936p-4, -0x1.ac42c598686e9p-4},
      {-0x1.d8c12eeaee7f8p-2, -0x1.f1da079562ee4p-2},
      {-0x1.e0c614adfca08p+0, -0x1.fbf355d89c483p-1},
      {0x1.2p+2, 0x1.fffffffe4fa3p-1},
      {0x1.5798ee2308c3ap-27, 0x1.83b547fb79514p-27},
      {0x1.b333333333333p-1, 0x1.8a9500eeffdb1p-1}}},
    {ct_erfc_f64,
     erfc,
     -4,
     26,
     4,
     {{0x1.cf84c11529754p-1, 0x1.9a7fde3ae64dcp-3},
      {0x1.dead8a988f14p+0, 0x1.0c33b6965eaf4p-7},
      {0x1.e7bc2ce4c66cep+0, 0x1.ce2817b998001p-8},
      {0x1.4f0b7142f5d74p-1, 0x1.6b4056493a3bfp-2},
      {0x1.4p+2, 0x1.b0c1a759f7739p-40},
      {0x1.9p+3, 0x1.1345b1de4a541p-230},
      {0x1.ap+4, 0x1.284bfe1cdea24p-981},
      {0x1.3333333333333p-2, 0x1.57be3bbf10af8p-1}}},
};

static const struct row2 {
    fn2 *ours, *libm;
    double low[2], high[2];
    value2 of[16];
} rows2[] = {
    {ct_pow_f64,
     pow,
     {0, -40},
     {9, 40},
     {{0x1.c81f313692f4fp+0, -0x1.b5fd16158c1a4p+3, 0x1.82a341a180d9fp-12},
      {0x1.b9ac5a8ed8f8p+1, 0x1.16095905fb038p+4, 0x1.091778cf13025p+31},
      {0x1.236933d0c2c7cp-1, -0x1.a80b4b34f416bp+4, 0x1.76920b91911c7p+21},
      {0x1.d10d7a3b670e6p+0, 0x1.2292a62a55cep+0, 0x1.f819403bd8f1ap+0},
      {0x1.033bf8ae9a708p+2, 0x1.3dcef86da8p-10, 0x1.006f3c5e8d9f6p+0},
      {0x1.ff7ced916872bp-1, 0x1.a85p+12, 0x1.2632a6031a833p-10},
      {0x1.ccccccccccccdp-1, 0x1p+0, 0x1.ccccccccccccdp-1},
      {0x1.8p+1, -0x1p+1, 0x1.c71c71c71c71cp-4},
      {0x1.0000000000001p+0, 0x1.bc16d674ec8p+59, 0x1.44a12826f5073p+320},
      {0x0.012688b70e62bp-1022, 0x1.6666666666666p-1, 0x1.1a66c1e139f6fp-721},
      {-0x1.8p+1, 0x1.cp+2, -0x1.116p+11}}},
    {ct_atan2_f64,
     atan2,
     {-3, -3},
     {3, 3},
     {{-0x1.6a62cefb6ea06p+1, 0x1.ef76bfa4f1ab8p+0, -0x1.f13af3f9f8172p-1},
      {-0x1.ad21aae6e004p-2, 0x1.d2e0b44f138p-4, -0x1.4e2399e045cedp+0},
      {-0x1.aac001be463ccp+0, -0x1.bf04c7de9acd8p-2, -0x1.d3b0f2df9262dp+0},
      {-0x1.574ed3b182258p-1, 0x1.a1aabc3499704p+0, -0x1.8f4c01503b4bfp-2},
      {-0x1.31316d97af014p+1, 0x1.330629a973b98p-2, -0x1.721997965696ep+0},
      {0x1.7e43c8800759cp+996, 0x1.56e1fc2f8f359p-997, 0x1.921fb54442d18p+0},
      {0x1.56e1fc2f8f359p-997, 0x1p+0, 0x1.56e1fc2f8f359p-997},
      {-0x0.012688b70e62bp-1022, -0x0.012688b70e62bp-1022, -0x1.2d97c7f3321d2p+1},
      {0x1.1ccf385ebc8ap+1023, -0x1.1ccf385ebc8ap+1023, 0x1.2d97c7f3321d2p+1},
      {0x0.0000000000001p-1022, 0x1.999999999999ap-4, 0x0.000000000000ap-1022}}},
};

/* In units of want's last place; NaN is NaN, zeros have signs. */
static double off(double got, double want) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : INFINITY;
    if (got == want) return !signbit(got) == !signbit(want) ? 0 : INFINITY;
    return fabs(got - want) / ldexp(1, (fabs(want) < 0x1p-1022 ? -1022 : ilogb(want)) - 52);
}

static double between(double low, double high, uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(*state >> 11) * 0x1p-53;
}

static void exact_values(void) {
    for (const struct row *r = rows; r < rows + CT_COUNT(rows); r++)
        for (int i = 0; i < 16 && r->of[i].x != 0; i++) CHECK(off(r->ours(r->of[i].x), r->of[i].y) <= r->units);
    for (const struct row2 *r = rows2; r < rows2 + CT_COUNT(rows2); r++)
        for (int i = 0; i < 16 && r->of[i].x != 0; i++) CHECK(off(r->ours(r->of[i].x, r->of[i].y), r->of[i].z) <= 1.1);
}

/* libm is within 4 units itself. */
static void many_values(void) {
    uint64_t state = 1;
    for (const struct row *r = rows; r < rows + CT_COUNT(rows); r++) {
        double worst = 0;
        for (int i = 0; i < MANY; i++) {
            double x = between(r->low, r->high, &state);
            worst = fmax(worst, off(r->ours(x), r->libm(x)));
        }
        CHECK(worst <= r->units + 4);
    }
    for (const struct row2 *r = rows2; r < rows2 + CT_COUNT(rows2); r++) {
        double worst = 0;
        for (int i = 0; i < MANY; i++) {
            double x = between(r->low[0], r->high[0], &state), y = between(r->low[1], r->high[1], &state);
            worst = fmax(worst, off(r->ours(x, y), r->libm(x, y)));
        }
        CHECK(worst <= 5);
    }
}

/* Annex F of the C standard is what libm follows, too. */
static const double special[] = {0,          -0.0,
                                 1,          -1,
                                 2,          -2,
                                 3,          -3,
                                 0.5,        -0.5,
                                 2.5,        1e300,
                                 -1e300,     0x1p-500,
                                 -0x1p-540,  0x1p-1074,
                                 -0x1p-1074, 0x1p-1022,
                                 0x1p53,     -0x1p53,
                                 0x1p53 + 2, 0x1.fffffffffffffp52,
                                 800,        -800,
                                 INFINITY,   -INFINITY,
                                 NAN};
static void special_values(void) {
    for (int i = 0; i < CT_COUNT(special); i++) {
        for (const struct row *r = rows; r < rows + CT_COUNT(rows); r++)
            CHECK(off(r->ours(special[i]), r->libm(special[i])) <= 5);
        for (int j = 0; j < CT_COUNT(special); j++)
            for (const struct row2 *r = rows2; r < rows2 + CT_COUNT(rows2); r++)
                CHECK(off(r->ours(special[i], special[j]), r->libm(special[i], special[j])) <= 5);
    }
    CHECK(ct_pow_f64(0.1, 1) == 0.1 && ct_pow_f64(3, 4) == 81 && ct_pow_f64(2, -1074) == 0x1p-1074);
    CHECK(ct_exp_f64(0) == 1 && ct_cos_f64(0) == 1 && ct_log_f64(1) == 0 && !signbit(ct_log_f64(1)));
}

static uint64_t hashed(uint64_t hash, double y) {
    uint64_t u;
    memcpy(&u, &y, sizeof u);
    return (hash ^ (isnan(y) ? 0 : u)) * 0x100000001b3u;
}

static void same_bits(void) {
    uint64_t state = 2, hash = 0xcbf29ce484222325u;
    for (const struct row *r = rows; r < rows + CT_COUNT(rows); r++)
        for (int i = 0; i < MANY; i++) hash = hashed(hash, r->ours(between(r->low, r->high, &state)));
    for (const struct row2 *r = rows2; r < rows2 + CT_COUNT(rows2); r++)
        for (int i = 0; i < MANY; i++) {
            double x = between(r->low[0], r->high[0], &state), y = between(r->low[1], r->high[1], &state);
            hash = hashed(hash, r->ours(x, y));
        }
    if (!CHECK(hash == 0xe5a5a030a08df812u)) printf("    hash: 0x%016llx\n", (unsigned long long)hash);
}

/* ---- floats ---- */
static float off_f32(float got, double want) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : INFINITY;
    if (got == (float)want) return !signbit(got) == !signbit(want) ? 0 : INFINITY;
    return (float)(fabs((double)got - want) / ldexp(1, (fabs(want) < 0x1p-126 ? -126 : ilogb(want)) - 23));
}

/* Any bits, special values, and numbers near 1. */
static float float_at(int i, uint64_t *state) {
    if (i < CT_COUNT(special)) return (float)special[i];
    uint32_t u = (uint32_t)(between(0, 1, state) * 0x1p32);
    float x;
    memcpy(&x, &u, sizeof x);
    return i % 3 == 0 ? x : (float)between(i % 3 == 1 ? 0 : -20, 20, state);
}

static void floats_on(const char *isa, uint64_t *bits) {
    static float a[MANY], b[MANY];
    uint64_t state = 3;
    for (int i = 0; i < MANY; i++) a[i] = float_at(i, &state), b[i] = float_at(i % 97, &state);
    for (int i = 0; i < CT_COUNT(special) * CT_COUNT(special); i++)
        a[i] = (float)special[i / CT_COUNT(special)], b[i] = (float)special[i % CT_COUNT(special)];
    CHECK(ct_backend_use(isa) == CT_OK);
    ct_tensor *x = ct_from(CT_F32, CT_DIMS(MANY), a), *y = ct_from(CT_F32, CT_DIMS(MANY), b);
    ct_tensor *of[] = {ct_sin(x), ct_cos(x), ct_pow(x, y), ct_atan2(x, y)};
    float worst[4] = {0};
    for (int k = 0; k < 4; k++) {
        const float *got = ct_data(of[k]);
        for (int i = 0; got && i < MANY; i++) {
            double p = (double)a[i], q = (double)b[i];
            double want = k == 0   ? ct_sin_f64(p)
                          : k == 1 ? ct_cos_f64(p)
                          : k == 2 ? ct_pow_f64(p, q)
                                   : ct_atan2_f64(p, q);
            worst[k] = fmaxf(worst[k], off_f32(got[i], want));
            *bits = hashed(*bits, (double)got[i]);
        }
        CHECK(got && worst[k] <= 0.51f);
    }
}

static void floats(void) {
    static const char *const isas[] = {"v4", "v3", "v2", "generic"};
    uint64_t first = 0;
    for (int i = 0; i < CT_COUNT(isas); i++) {
        if (ct_backend_use(isas[i])) continue; /* not on this processor */
        uint64_t bits = 0;
        floats_on(isas[i], &bits);
        CHECK(!first || bits == first);
        first = bits;
    }
    CHECK(first);
    ct_backend_use(NULL);
}

int main(void) {
    ct_scope *scope = ct_scope_open();
    RUN(exact_values);
    RUN(many_values);
    RUN(special_values);
    RUN(same_bits);
    RUN(floats);
    CHECK(ct_scope_close(scope) == CT_OK);
    return check_done("math");
}
