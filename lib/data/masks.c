/* What the values of masks mean. */
#include "data/source.h"

static const unsigned char *pixels_of(const ct_rows *s, int64_t *n) {
    *n = s->y ? ct_numel(s->y) : 0;
    return s->y ? ct_data(s->y) : NULL;
}

/* The largest class below `value`, or 0. */
static int largest_below(const bool seen[256], int64_t ignored, int value) {
    do value--;
    while (value > 0 && (!seen[value] || value == ignored));
    return value;
}

static void number_white(const ct_rows *s) {
    int64_t n;
    unsigned char *y = (unsigned char *)pixels_of(s, &n);
    for (int64_t i = 0; i < n; i++) y[i] = y[i] == 255;
}

static ct_status check_values(const ct_data_args *a, const ct_rows *s, int64_t classes) {
    int64_t n;
    const unsigned char *y = pixels_of(s, &n);
    for (int64_t i = 0; i < n; i++)
        if (y[i] >= classes && y[i] != a->ignored)
            return ct_fail(CT_BAD_DATA,
                           "%s/%s: has a pixel of value %d, and there are %lld classes, from 0 on; the loss's "
                           "ignore_index may leave one value out",
                           a->masks, s->file[i / (n / ct_size(s->y, 0))], y[i], (long long)classes);
    return CT_OK;
}

ct_status ct_masks_classes(const ct_data_args *a, ct_dataset *d) {
    const ct_rows *part[] = {&d->train, &d->test};
    bool seen[256] = {false};
    int64_t n;
    for (int p = 0; p < CT_COUNT(part); p++) {
        const unsigned char *y = pixels_of(part[p], &n);
        for (int64_t i = 0; i < n; i++) seen[y[i]] = true;
    }
    int top = largest_below(seen, a->ignored, 256);
    bool black_and_white = top == 255 && !largest_below(seen, a->ignored, top);
    if (black_and_white) top = 1;
    int64_t classes = a->classes ? a->classes : top + 1;
    for (int p = 0; p < CT_COUNT(part); p++) {
        if (black_and_white) number_white(part[p]);
        CT_TRY(check_values(a, part[p], classes));
    }
    return ct_dataset_number(d, classes);
}
