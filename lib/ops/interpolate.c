/* Resized sequences, images and volumes. */
#include "ops/shape_util.h"
#include <math.h>
#include <string.h>

/* By number, as args.def names them: of how many dimensions, 0 any; whether corners may coincide. */
static const struct {
    int ndim;
    bool corners;
} modes[] = {{0, false}, {4, true}, {3, true}, {5, true}, {4, true}, {0, false}, {0, false}};

static ct_status check_mode(const ct_layout *x, int mode, bool align_corners) {
    CT_TRY(ct_want_floats("interpolate", x, 1));
    CT_TRY(ct_want_ndim("interpolate", "the input", x, modes[mode].ndim ? modes[mode].ndim : 3,
                        modes[mode].ndim ? modes[mode].ndim : 5));
    if (align_corners && !modes[mode].corners)
        return ct_shape_fail("interpolate", "align_corners is of linear, bilinear, bicubic and trilinear");
    return CT_OK;
}

SHAPE(interpolate) {
    ARGS(interpolate);
    (void)n_in;
    *n_out = 1;
    CT_TRY(check_mode(in, args->mode, args->align_corners));
    int n = in->ndim - 2;
    if (args->size.n > 1 && args->size.n != n)
        return ct_shape_fail("interpolate", "size is one number or %d, got %d", n, args->size.n);
    int64_t size[5] = {in->size[0], in->size[1]};
    for (int i = 0; i < n; i++) {
        if (!args->size.n && args->scale_factor[0] > 0 && !(args->scale_factor[i] > 0))
            return ct_shape_fail("interpolate", "scale_factor is one number or %d, got %d", n, i);
        double scaled = args->size.n ? (double)args->size.v[i % args->size.n]
                                     : floor((double)in->size[2 + i] * args->scale_factor[i]);
        if (!(scaled >= 1 && scaled <= (double)CT_MAX_NUMEL) || in->size[2 + i] < 1)
            return ct_shape_fail("interpolate", "from size %lld to size %g", (long long)in->size[2 + i], scaled);
        size[2 + i] = (int64_t)scaled;
    }
    return ct_shape_make("interpolate", in, in->dtype, size, in->ndim, out);
}
GRAD(interpolate) {
    ARGS(interpolate);
    (void)n_in, (void)out, (void)need;
    ct_interpolate_back_args back = {args->mode, args->align_corners, ct_shape_of(in[0]), {0}};
    for (int i = 0; i < CT_COUNT(back.scale_factor) && !args->size.n; i++) back.scale_factor[i] = args->scale_factor[i];
    din[0] = CT_PART(interpolate_back, &back, g[0]);
}

SHAPE(interpolate_back) {
    ARGS(interpolate_back);
    (void)n_in;
    *n_out = 1;
    CT_TRY(check_mode(in, args->mode, args->align_corners));
    CT_TRY(ct_shape_make("interpolate", in, in->dtype, args->input.v, args->input.n, out));
    bool fits = in->ndim == out->ndim && in->size[0] == out->size[0] && in->size[1] == out->size[1];
    for (int d = 2; fits && d < out->ndim; d++) fits = out->size[d] > 0;
    if (fits) return CT_OK;
    char a[CT_SHAPE_TEXT], b[CT_SHAPE_TEXT];
    ct_layout_text(in, a, sizeof a), ct_layout_text(out, b, sizeof b);
    return ct_shape_fail("interpolate", "gradient %s of an input %s", a, b);
}
GRAD(interpolate_back) {
    ARGS(interpolate_back);
    (void)n_in, (void)out, (void)need;
    const ct_layout *l = &in[0]->layout;
    ct_interpolate_args forward = {.mode = args->mode, .align_corners = args->align_corners};
    if (args->scale_factor[0] > 0)
        memcpy(forward.scale_factor, args->scale_factor, sizeof forward.scale_factor);
    else
        for (int d = 2; d < l->ndim; d++) forward.size.v[forward.size.n++] = l->size[d];
    din[0] = ct_interpolate(g[0], forward);
}
