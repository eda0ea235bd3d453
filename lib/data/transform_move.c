/* Transforms that move pixels, and a mask's along with them. What comes out has the size of what went in. */
#include "base/math.h"
#include "data/transform.h"
#include <math.h>
#include <string.h>

static void swap(ct_picture *p) {
    float *t = p->at;
    p->at = p->spare, p->spare = t;
}

/* ---- crop ---- */

typedef struct crop_args {
    int64_t padding[2];
    double fill;
    int mode;
} crop_args;
enum { CONSTANT, EDGE, REFLECT, SYMMETRIC };

static const ct_key crop_keys[] = {
    {"padding", CT_KEY_INTS, offsetof(crop_args, padding), .count = 2, .max = 8192,
     .help = "pixels added at top and bottom, left and right, before the crop"},
    {"fill", CT_KEY_FLOAT, offsetof(crop_args, fill), .max = 1, .help = "what padding mode constant adds, in 0..1"},
    {"padding_mode", CT_KEY_ENUM, offsetof(crop_args, mode), .choices = "constant|edge|reflect|symmetric",
     .help = "what the padding is made of"},
    {0}};

/* Where pixel i of a padded line comes from; -1: nowhere. */
static int64_t source(int64_t i, int64_t n, int mode) {
    if (i >= 0 && i < n) return i;
    switch (mode) {
    case EDGE:
        return i < 0 ? 0 : n - 1;
    case REFLECT:
        return i < 0 ? -i : 2 * n - 2 - i;
    case SYMMETRIC:
        return i < 0 ? -i - 1 : 2 * n - 1 - i;
    default:
        return -1;
    }
}

static void crop_line(const float *in, int64_t n, int64_t dx, float fill, int mode, float *out) {
    int64_t begin = CT_MIN(CT_MAX(-dx, 0), n), end = CT_MAX(CT_MIN(n - dx, n), begin);
    for (int64_t x = 0; x < begin; x++) out[x] = mode == CONSTANT ? fill : in[source(x + dx, n, mode)];
    if (end > begin) memcpy(out + begin, in + begin + dx, (size_t)(end - begin) * sizeof *out);
    for (int64_t x = end; x < n; x++) out[x] = mode == CONSTANT ? fill : in[source(x + dx, n, mode)];
}

static void crop(const void *args, ct_picture *p, ct_draw *d) {
    const crop_args *a = args;
    int64_t dy = ct_draw_below(d, 2 * a->padding[0] + 1) - a->padding[0];
    int64_t dx = ct_draw_below(d, 2 * a->padding[1] + 1) - a->padding[1];
    float fill = p->is_mask ? 0 : (float)a->fill;
    for (int64_t c = 0; c < p->c; c++)
        for (int64_t y = 0; y < p->h; y++) {
            int64_t from = source(y + dy, p->h, a->mode);
            float *out = p->spare + (c * p->h + y) * p->w;
            if (from >= 0)
                crop_line(p->at + (c * p->h + from) * p->w, p->w, dx, fill, a->mode, out);
            else
                for (int64_t x = 0; x < p->w; x++) out[x] = fill;
        }
    swap(p);
}

static ct_status crop_check(const void *args, int64_t h, int64_t w) {
    const crop_args *a = args;
    int64_t less = a->mode == REFLECT;
    if ((a->mode != REFLECT && a->mode != SYMMETRIC) || (a->padding[0] <= h - less && a->padding[1] <= w - less))
        return CT_OK;
    return ct_fail(CT_BAD_SPEC, "random_crop: padding %lld, %lld is more than an image of %lld x %lld can mirror",
                   (long long)a->padding[0], (long long)a->padding[1], (long long)h, (long long)w);
}

const ct_transform ct_random_crop = {
    {"random_crop", crop_keys, sizeof(crop_args), "Pads the image and cuts it out again somewhere"},
    crop,
    true,
    crop_check};

/* ---- flips ---- */

typedef struct flip_args {
    double p;
} flip_args;
static const ct_key flip_keys[] = {
    {"p", CT_KEY_FLOAT, offsetof(flip_args, p), .def = 0.5, .max = 1, .help = "probability"}, {0}};

static void flip_horizontal(const void *args, ct_picture *p, ct_draw *d) {
    if (!ct_draw_hit(d, ((const flip_args *)args)->p)) return;
    for (int64_t row = 0; row < p->c * p->h; row++)
        for (int64_t x = 0; x < p->w; x++) p->spare[row * p->w + x] = p->at[row * p->w + p->w - 1 - x];
    swap(p);
}

static void flip_vertical(const void *args, ct_picture *p, ct_draw *d) {
    if (!ct_draw_hit(d, ((const flip_args *)args)->p)) return;
    for (int64_t c = 0; c < p->c; c++)
        for (int64_t y = 0; y < p->h; y++)
            memcpy(p->spare + (c * p->h + y) * p->w, p->at + (c * p->h + p->h - 1 - y) * p->w,
                   (size_t)p->w * sizeof *p->at);
    swap(p);
}

const ct_transform ct_random_flip = {
    {"random_flip", flip_keys, sizeof(flip_args), "random_horizontal_flip, for short"}, flip_horizontal, true, NULL};
const ct_transform ct_random_horizontal_flip = {
    {"random_horizontal_flip", flip_keys, sizeof(flip_args), "Mirrors left and right, or does not"},
    flip_horizontal,
    true,
    NULL};
const ct_transform ct_random_vertical_flip = {
    {"random_vertical_flip", flip_keys, sizeof(flip_args), "Mirrors top and bottom, or does not"},
    flip_vertical,
    true,
    NULL};

/* ---- affine maps ---- */

/* Pixel (x, y) of what comes out, counted from the centre, is (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]) of what
   goes in. */
typedef struct map {
    double m[6];
    bool smooth; /* between four pixels, else the nearest */
    float fill;
} map;

static float pixel(const ct_picture *p, const float *plane, int64_t x, int64_t y, float fill) {
    return x < 0 || y < 0 || x >= p->w || y >= p->h ? fill : plane[y * p->w + x];
}

static float look(const ct_picture *p, const float *plane, double x, double y, const map *m) {
    if (!m->smooth) return pixel(p, plane, (int64_t)rint(x), (int64_t)rint(y), m->fill);
    int64_t x0 = (int64_t)floor(x), y0 = (int64_t)floor(y);
    float u = (float)(x - (double)x0), v = (float)(y - (double)y0);
    float top = pixel(p, plane, x0, y0, m->fill) * (1 - u) + pixel(p, plane, x0 + 1, y0, m->fill) * u;
    float low = pixel(p, plane, x0, y0 + 1, m->fill) * (1 - u) + pixel(p, plane, x0 + 1, y0 + 1, m->fill) * u;
    return top * (1 - v) + low * v;
}

static void warp(ct_picture *p, const map *m) {
    double cx = (double)(p->w - 1) / 2, cy = (double)(p->h - 1) / 2, limit = 4.0 * (double)(p->w + p->h);
    for (int64_t y = 0; y < p->h; y++)
        for (int64_t x = 0; x < p->w; x++) {
            double dx = (double)x - cx, dy = (double)y - cy;
            double sx = m->m[0] * dx + m->m[1] * dy + m->m[2] + cx, sy = m->m[3] * dx + m->m[4] * dy + m->m[5] + cy;
            sx = CT_MIN(CT_MAX(sx, -limit), limit), sy = CT_MIN(CT_MAX(sy, -limit), limit);
            for (int64_t c = 0, n = p->h * p->w; c < p->c; c++)
                p->spare[c * n + y * p->w + x] = look(p, p->at + c * n, sx, sy, m);
        }
    swap(p);
}

static double radians(double degrees) { return degrees * 3.14159265358979323846 / 180; }

/* torchvision's inverse of: shear, scale, rotate, move. */
static map inverse(const ct_picture *p, double angle, double shear, double scale, double tx, double ty, bool smooth,
                   double fill) {
    double r = radians(angle), t = ct_tan_f64(radians(shear));
    double a = ct_cos_f64(r), c = ct_sin_f64(r), b = -a * t - c, d = -c * t + a;
    map m = {{d / scale, -b / scale, 0, -c / scale, a / scale, 0}, smooth && !p->is_mask, p->is_mask ? 0 : (float)fill};
    m.m[2] = -m.m[0] * tx - m.m[1] * ty, m.m[5] = -m.m[3] * tx - m.m[4] * ty;
    return m;
}

typedef struct rotation_args {
    double degrees, fill;
    int bilinear;
} rotation_args;
static const ct_key rotation_keys[] = {
    {"degrees", CT_KEY_FLOAT, offsetof(rotation_args, degrees), .def = NAN, .max = 180,
     .help = "largest angle, to either side"},
    {"interpolation", CT_KEY_ENUM, offsetof(rotation_args, bilinear), .choices = "nearest|bilinear",
     .help = "between pixels"},
    {"fill", CT_KEY_FLOAT, offsetof(rotation_args, fill), .max = 1, .help = "what comes in from outside, in 0..1"},
    {0}};

static void rotate(const void *args, ct_picture *p, ct_draw *d) {
    const rotation_args *a = args;
    double angle = ct_draw_uniform(d, -a->degrees, a->degrees);
    map m = inverse(p, -angle, 0, 1, 0, 0, a->bilinear, a->fill);
    warp(p, &m);
}

const ct_transform ct_random_rotation = {
    {"random_rotation", rotation_keys, sizeof(rotation_args), "Turns about the centre"}, rotate, true, NULL};

typedef struct affine_args {
    double degrees, translate[2], scale[2], shear, fill;
    int bilinear;
} affine_args;
static const ct_key affine_keys[] = {
    {"degrees", CT_KEY_FLOAT, offsetof(affine_args, degrees), .def = NAN, .max = 180,
     .help = "largest angle, to either side"},
    {"translate", CT_KEY_FLOATS, offsetof(affine_args, translate), .count = 2, .max = 1,
     .help = "largest move across and down, as a fraction of width and height"},
    {"scale", CT_KEY_FLOATS, offsetof(affine_args, scale), .count = 2, .def = 1, .min = 0.01, .max = 100,
     .help = "smallest and largest factor of size"},
    {"shear", CT_KEY_FLOAT, offsetof(affine_args, shear), .max = 80,
     .help = "largest slant in degrees, to either side"},
    {"interpolation", CT_KEY_ENUM, offsetof(affine_args, bilinear), .choices = "nearest|bilinear",
     .help = "between pixels"},
    {"fill", CT_KEY_FLOAT, offsetof(affine_args, fill), .max = 1, .help = "what comes in from outside, in 0..1"},
    {0}};

static void affine(const void *args, ct_picture *p, ct_draw *d) {
    const affine_args *a = args;
    double wide = a->translate[0] * (double)p->w, high = a->translate[1] * (double)p->h;
    double angle = ct_draw_uniform(d, -a->degrees, a->degrees);
    double tx = rint(ct_draw_uniform(d, -wide, wide)), ty = rint(ct_draw_uniform(d, -high, high));
    double scale = ct_draw_uniform(d, a->scale[0], a->scale[1]), shear = ct_draw_uniform(d, -a->shear, a->shear);
    map m = inverse(p, angle, shear, scale, tx, ty, a->bilinear, a->fill);
    warp(p, &m);
}

static ct_status affine_check(const void *args, int64_t h, int64_t w) {
    const affine_args *a = args;
    (void)h, (void)w;
    return a->scale[0] <= a->scale[1]
               ? CT_OK
               : ct_fail(CT_BAD_SPEC, "random_affine: scale goes from %g down to %g", a->scale[0], a->scale[1]);
}

const ct_transform ct_random_affine = {
    {"random_affine", affine_keys, sizeof(affine_args), "Turns, moves, scales and slants"}, affine, true, affine_check};

/* ---- resized crop ---- */

typedef struct resized_args {
    double scale[2], ratio[2];
    int nearest;
} resized_args;
static const ct_key resized_keys[] = {
    {"scale", CT_KEY_FLOATS, offsetof(resized_args, scale), .count = 2, .def = 1, .min = 1e-4, .max = 1,
     .choices = "0.08,1", .help = "smallest and largest part of the area"},
    {"ratio", CT_KEY_FLOATS, offsetof(resized_args, ratio), .count = 2, .def = 1, .min = 0.01, .max = 100,
     .choices = "0.75,1.3333333333333333", .help = "smallest and largest width over height"},
    {"interpolation", CT_KEY_ENUM, offsetof(resized_args, nearest), .choices = "bilinear|nearest",
     .help = "between pixels"},
    {0}};

typedef struct box {
    int64_t y, x, h, w;
} box;

/* Ten tries, then the whole or what the ratio allows of it, from the middle. */
static box choose(const resized_args *a, const ct_picture *p, ct_draw *d) {
    for (int i = 0; i < 10; i++) {
        double area = (double)(p->h * p->w) * ct_draw_uniform(d, a->scale[0], a->scale[1]);
        double ratio = ct_exp_f64(ct_draw_uniform(d, ct_log_f64(a->ratio[0]), ct_log_f64(a->ratio[1])));
        int64_t w = llrint(sqrt(area * ratio)), h = llrint(sqrt(area / ratio));
        if (w > 0 && h > 0 && w <= p->w && h <= p->h)
            return (box){ct_draw_below(d, p->h - h + 1), ct_draw_below(d, p->w - w + 1), h, w};
    }
    double ratio = (double)p->w / (double)p->h;
    box b = {0, 0, p->h, p->w};
    if (ratio < a->ratio[0]) b.h = CT_MAX(llrint((double)p->w / a->ratio[0]), 1);
    if (ratio > a->ratio[1]) b.w = CT_MAX(llrint((double)p->h * a->ratio[1]), 1);
    b.y = (p->h - b.h) / 2, b.x = (p->w - b.w) / 2;
    return b;
}

/* Where line o of n comes from among k: two neighbours and the second one's weight. */
static void neighbours(int64_t o, int64_t n, int64_t k, bool nearest, int64_t at[2], float *weight) {
    double s =
        nearest ? floor((double)o * (double)k / (double)n) : CT_MAX(((double)o + 0.5) * (double)k / (double)n - 0.5, 0);
    at[0] = CT_MIN((int64_t)s, k - 1), at[1] = CT_MIN(at[0] + 1, k - 1);
    *weight = (float)(s - (double)at[0]);
}

static void resized_crop(const void *args, ct_picture *p, ct_draw *d) {
    const resized_args *a = args;
    bool nearest = a->nearest || p->is_mask;
    box b = choose(a, p, d);
    for (int64_t y = 0; y < p->h; y++) {
        int64_t row[2], col[2];
        float v, u;
        neighbours(y, p->h, b.h, nearest, row, &v);
        for (int64_t x = 0; x < p->w; x++) {
            neighbours(x, p->w, b.w, nearest, col, &u);
            for (int64_t c = 0; c < p->c; c++) {
                const float *top = p->at + (c * p->h + b.y + row[0]) * p->w + b.x;
                const float *low = p->at + (c * p->h + b.y + row[1]) * p->w + b.x;
                float t = top[col[0]] * (1 - u) + top[col[1]] * u, l = low[col[0]] * (1 - u) + low[col[1]] * u;
                p->spare[(c * p->h + y) * p->w + x] = t * (1 - v) + l * v;
            }
        }
    }
    swap(p);
}

static ct_status resized_check(const void *args, int64_t h, int64_t w) {
    const resized_args *a = args;
    (void)h, (void)w;
    if (a->scale[0] <= a->scale[1] && a->ratio[0] <= a->ratio[1]) return CT_OK;
    return ct_fail(CT_BAD_SPEC, "random_resized_crop: scale and ratio go from the smaller to the larger number");
}

const ct_transform ct_random_resized_crop = {
    {"random_resized_crop", resized_keys, sizeof(resized_args), "Cuts a part out and stretches it to the whole"},
    resized_crop,
    true,
    resized_check};
