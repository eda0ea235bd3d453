#include "run/noise.h"
#include "base/philox.h"
#include <string.h>

/* Each element's own random word, as what its type is. */
static void fill(ct_tensor *t, int64_t below, uint64_t stream) {
    ct_philox_key key = ct_philox_make(0, 0x6e6f697365);
    uint32_t w[4];
    for (int64_t i = 0; i < ct_numel(t); i++) {
        ct_philox_block(key, (uint64_t)i, stream, w);
        if (ct_dtype_of(t) == CT_U8)
            ((uint8_t *)ct_data(t))[i] = (uint8_t)w[0];
        else if (ct_dtype_of(t) == CT_I64)
            ((int64_t *)ct_data(t))[i] = w[0] % below;
        else
            ((float *)ct_data(t))[i] = (float)ct_philox_normal(w, false);
    }
}

ct_status ct_noise_make(const ct_fields *f, int64_t n, ct_rows *out) {
    int target = f->n > 1 && !strcmp(f->of[1].name, "target");
    *out = (ct_rows){0};
    for (int i = 0; i < f->n; i++) {
        const ct_layout *l = &f->of[i].layout;
        ct_tensor **field = !i ? &out->x : i == 1 && target ? &out->y : &out->more[i - 1 - target];
        ct_dims shape = {l->ndim, {n}};
        for (int d = 1; d < l->ndim; d++) shape.v[d] = l->size[d];
        bool image = !i && l->ndim == 4 && l->dtype == CT_F32;
        ct_tensor *t = *field = ct_keep(ct_empty(image ? CT_U8 : l->dtype, shape));
        if (ct_why(t)) return ct_fail(CT_NO_MEMORY, "%s", ct_why(t));
        fill(t, f->of[i].below ? f->of[i].below : CT_MAX(f->classes, 1), (uint64_t)i);
    }
    return CT_OK;
}

void ct_noise_free(ct_rows *r) {
    ct_drop(r->x), ct_drop(r->y);
    for (int i = 0; i < CT_MAX_MORE; i++) ct_drop(r->more[i]);
}
