/* What the machine can do: the most that a kernel's figures could be. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "ctorch_run.h"
#include <math.h>
#include <string.h>

#define SIZE 2048
#define BYTES ((size_t)64 << 20) /* of each of two buffers */
#define SECONDS 0.3              /* for each rate, and at least TIMES */
#define TIMES 3

/* The best of several calls. */
static ct_status best(ct_status (*fn)(void *ctx), void *ctx, double *out) {
    *out = INFINITY;
    double end = ct_now() + SECONDS;
    for (int i = 0; i < TIMES || ct_now() < end; i++) {
        double start = ct_now();
        CT_TRY(fn(ctx));
        *out = CT_MIN(*out, ct_now() - start);
    }
    return CT_OK;
}

static ct_status product(void *ctx) {
    ct_tensor **in = ctx;
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_matmul(in[0], in[1]);
    return ct_scope_close(scope);
}

static ct_status time_product(double *out) {
    double seconds = 0;
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_tensor *in[] = {ct_randn(CT_F32, CT_DIMS(SIZE, SIZE)), ct_randn(CT_F32, CT_DIMS(SIZE, SIZE))};
    ct_status status = best(product, in, &seconds), closed = ct_scope_close(scope);
    *out = 2.0 * SIZE * SIZE * SIZE / seconds;
    return status ? status : closed;
}

static void copy_range(void *ctx, int64_t begin, int64_t end) {
    char **buffer = ctx;
    memcpy(buffer[0] + begin, buffer[1] + begin, (size_t)(end - begin));
}

static ct_status copy(void *ctx) {
    ct_parallel((int64_t)BYTES, 1 << 20, copy_range, ctx);
    return CT_OK;
}

static ct_status time_copy(double *out) {
    char *buffer[] = {ct_alloc_aligned(BYTES, 1), ct_alloc_aligned(BYTES, 1)};
    double seconds = 0;
    ct_status status = buffer[0] && buffer[1] ? CT_OK : CT_NO_MEMORY;
    if (!status) memset(buffer[1], 1, BYTES);
    if (!status) status = best(copy, buffer, &seconds);
    *out = 2.0 * BYTES / seconds;
    ct_free(buffer[0]), ct_free(buffer[1]);
    return status;
}

ct_status ct_machine_rates(double *operations, double *bytes) {
    CT_TRY(time_product(operations));
    return time_copy(bytes);
}
