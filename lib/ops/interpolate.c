/* Resized images. */
#include "ops/shape_util.h"
#include <math.h>

SHAPE(interpolate) {
    ARGS(interpolate);
    (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_floats("interpolate", in, 1));
    CT_TRY(ct_want_ndim("interpolate", "the input", in, 4, 4));
    if (args->size.n > 2)
        return ct_shape_fail("interpolate", "size is height and width, or both, got %d numbers", args->size.n);
    int64_t size[4] = {in->size[0], in->size[1]};
    for (int i = 0; i < 2; i++) {
        double scaled = args->size.n ? (double)args->size.v[i % args->size.n]
                                     : floor((double)in->size[2 + i] * args->scale_factor[i]);
        if (!(scaled >= 1 && scaled <= (double)CT_MAX_NUMEL) || in->size[2 + i] < 1)
            return ct_shape_fail("interpolate", "from size %lld to size %g", (long long)in->size[2 + i], scaled);
        size[2 + i] = (int64_t)scaled;
    }
    return ct_shape_make("interpolate", in, in->dtype, size, 4, out);
}
GRAD(interpolate) {
    ARGS(interpolate);
    (void)n_in, (void)out, (void)need;
    ct_interpolate_back_args back = {args->mode, args->align_corners, ct_shape_of(in[0]), {0}};
    for (int i = 0; i < 2 && !args->size.n; i++) back.scale_factor[i] = args->scale_factor[i];
    din[0] = CT_PART(interpolate_back, &back, g[0]);
}

SHAPE(interpolate_back) {
    ARGS(interpolate_back);
    (void)n_in;
    *n_out = 1;
    CT_TRY(ct_want_floats("interpolate", in, 1));
    CT_TRY(ct_want_ndim("interpolate", "the gradient", in, 4, 4));
    CT_TRY(ct_shape_make("interpolate", in, in->dtype, args->input.v, args->input.n, out));
    if (out->ndim == 4 && in->size[0] == out->size[0] && in->size[1] == out->size[1] && out->size[2] && out->size[3])
        return CT_OK;
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
        for (int i = 0; i < 2; i++) forward.scale_factor[i] = args->scale_factor[i];
    else
        forward.size = CT_DIMS(l->size[2], l->size[3]);
    din[0] = ct_interpolate(g[0], forward);
}
