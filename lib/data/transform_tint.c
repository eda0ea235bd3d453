/* Transforms that leave pixels where they are and change what they say. */
#include "base/math.h"
#include "data/transform.h"
#include <math.h>
#include <string.h>

static float clip(float v) { return CT_MIN(CT_MAX(v, 0.0f), 1.0f); }
static int64_t area(const ct_picture *p) { return p->h * p->w; }
static int64_t size(const ct_picture *p) { return p->c * p->h * p->w; }

/* ITU-R 601-2 luma of pixel i. */
static float grey(const ct_picture *p, int64_t i) {
    int64_t n = area(p);
    return p->c == 3 ? 0.2989f * p->at[i] + 0.587f * p->at[n + i] + 0.114f * p->at[2 * n + i] : p->at[i];
}

/* ---- colour ---- */

typedef struct jitter_args {
    double brightness, contrast, saturation, hue;
} jitter_args;
static const ct_key jitter_keys[] = {{"brightness", CT_KEY_FLOAT, offsetof(jitter_args, brightness), .max = 100,
                                      .help = "v: a factor from 1 - v (or 0) to 1 + v"},
                                     {"contrast", CT_KEY_FLOAT, offsetof(jitter_args, contrast), .max = 100,
                                      .help = "the same, of the distance to the mean grey"},
                                     {"saturation", CT_KEY_FLOAT, offsetof(jitter_args, saturation), .max = 100,
                                      .help = "the same, of the distance to each pixel's grey"},
                                     {"hue", CT_KEY_FLOAT, offsetof(jitter_args, hue), .max = 0.5,
                                      .help = "largest turn of the colour circle, to either side"},
                                     {0}};

static void brightness(ct_picture *p, float f) {
    for (int64_t i = 0; i < size(p); i++) p->at[i] = clip(p->at[i] * f);
}

static void contrast(ct_picture *p, float f) {
    double sum = 0;
    for (int64_t i = 0; i < area(p); i++) sum += grey(p, i);
    float mean = (float)(sum / (double)area(p));
    for (int64_t i = 0; i < size(p); i++) p->at[i] = clip(f * p->at[i] + (1 - f) * mean);
}

static void saturation(ct_picture *p, float f) {
    for (int64_t i = 0; i < area(p); i++) {
        float g = grey(p, i);
        for (int64_t c = 0; c < p->c; c++) p->at[c * area(p) + i] = clip(f * p->at[c * area(p) + i] + (1 - f) * g);
    }
}

/* By way of hue, saturation and value, as torchvision has it. */
static void turn_pixel(float v[3], float by) {
    float top = fmaxf(fmaxf(v[0], v[1]), v[2]), low = fminf(fminf(v[0], v[1]), v[2]), range = top - low;
    if (range <= 0) return;
    float s = range / top, r = (top - v[0]) / range, g = (top - v[1]) / range, b = (top - v[2]) / range;
    float h = top == v[0] ? b - g : top == v[1] ? 2 + r - b : 4 + g - r;
    h = h / 6 + 1 + by, h -= floorf(h);
    int i = (int)floorf(h * 6) % 6;
    float f = h * 6 - floorf(h * 6), p = clip(top * (1 - s)), q = clip(top * (1 - s * f)),
          t = clip(top * (1 - s * (1 - f)));
    const float of[6][3] = {{top, t, p}, {q, top, p}, {p, top, t}, {p, q, top}, {t, p, top}, {top, p, q}};
    memcpy(v, of[i], sizeof of[i]);
}

static void hue(ct_picture *p, float by) {
    int64_t n = area(p);
    for (int64_t i = 0; p->c == 3 && i < n; i++) {
        float v[3] = {p->at[i], p->at[n + i], p->at[2 * n + i]};
        turn_pixel(v, by);
        for (int c = 0; c < 3; c++) p->at[c * n + i] = v[c];
    }
}

/* In an order drawn for each image. */
static void jitter(const void *args, ct_picture *p, ct_draw *d) {
    static void (*const change[4])(ct_picture *, float) = {brightness, contrast, saturation, hue};
    const jitter_args *a = args;
    const double most[4] = {a->brightness, a->contrast, a->saturation, a->hue};
    int order[4] = {0, 1, 2, 3};
    float by[4];
    for (int i = 3; i > 0; i--) {
        int k = (int)ct_draw_below(d, i + 1), t = order[i];
        order[i] = order[k], order[k] = t;
    }
    for (int i = 0; i < 4; i++)
        by[i] =
            i == 3 ? ct_draw_uniform(d, -most[i], most[i]) : ct_draw_uniform(d, CT_MAX(1 - most[i], 0), 1 + most[i]);
    for (int i = 0; i < 4; i++)
        if (most[order[i]] > 0) change[order[i]](p, by[order[i]]);
}

const ct_transform ct_color_jitter = {
    {"color_jitter", jitter_keys, sizeof(jitter_args), "Changes brightness, contrast, saturation and hue"},
    jitter,
    false,
    NULL};

typedef struct grey_args {
    double p;
} grey_args;
static const ct_key grey_keys[] = {
    {"p", CT_KEY_FLOAT, offsetof(grey_args, p), .def = 0.1, .max = 1, .help = "probability"}, {0}};

static void grayscale(const void *args, ct_picture *p, ct_draw *d) {
    if (!ct_draw_hit(d, ((const grey_args *)args)->p)) return;
    for (int64_t i = 0; i < area(p); i++) {
        float g = grey(p, i);
        for (int64_t c = 0; p->c == 3 && c < 3; c++) p->at[c * area(p) + i] = g;
    }
}

const ct_transform ct_random_grayscale = {
    {"random_grayscale", grey_keys, sizeof(grey_args), "Takes all colour away, or does not"}, grayscale, false, NULL};

/* ---- holes ---- */

/* `value` is what the model sees, after normalising. */
static void fill(ct_picture *p, int64_t top, int64_t left, int64_t h, int64_t w, double value) {
    int64_t y0 = CT_MAX(top, 0), y1 = CT_MIN(top + h, p->h), x0 = CT_MAX(left, 0), x1 = CT_MIN(left + w, p->w);
    for (int64_t c = 0; c < p->c; c++)
        for (int64_t y = y0; y < y1; y++)
            for (int64_t x = x0; x < x1; x++)
                p->at[(c * p->h + y) * p->w + x] = (float)value * p->std[CT_MIN(c, 2)] + p->mean[CT_MIN(c, 2)];
}

typedef struct erasing_args {
    double p, scale[2], ratio[2], value;
} erasing_args;
static const ct_key erasing_keys[] = {
    {"p", CT_KEY_FLOAT, offsetof(erasing_args, p), .def = 0.5, .max = 1, .help = "probability"},
    {"scale", CT_KEY_FLOATS, offsetof(erasing_args, scale), .count = 2, .def = 1, .min = 0, .max = 1,
     .choices = "0.02,0.33", .help = "smallest and largest part of the area"},
    {"ratio", CT_KEY_FLOATS, offsetof(erasing_args, ratio), .count = 2, .def = 1, .min = 0.01, .max = 100,
     .choices = "0.3,3.3", .help = "smallest and largest height over width"},
    {"value", CT_KEY_FLOAT, offsetof(erasing_args, value), .min = -1e6, .max = 1e6,
     .help = "what the model sees there, after normalising"},
    {0}};

static void erase(const void *args, ct_picture *p, ct_draw *d) {
    const erasing_args *a = args;
    if (!ct_draw_hit(d, a->p)) return;
    for (int i = 0; i < 10; i++) {
        double part = (double)area(p) * ct_draw_uniform(d, a->scale[0], a->scale[1]);
        double ratio = ct_exp_f64(ct_draw_uniform(d, ct_log_f64(a->ratio[0]), ct_log_f64(a->ratio[1])));
        int64_t h = llrint(sqrt(part * ratio)), w = llrint(sqrt(part / ratio));
        if (h >= p->h || w >= p->w) continue;
        int64_t top = ct_draw_below(d, p->h - h + 1);
        fill(p, top, ct_draw_below(d, p->w - w + 1), h, w, a->value);
        return;
    }
}

static ct_status erasing_check(const void *args, int64_t h, int64_t w) {
    const erasing_args *a = args;
    (void)h, (void)w;
    if (a->scale[0] <= a->scale[1] && a->ratio[0] <= a->ratio[1]) return CT_OK;
    return ct_fail(CT_BAD_SPEC, "random_erasing: scale and ratio go from the smaller to the larger number");
}

const ct_transform ct_random_erasing = {
    {"random_erasing", erasing_keys, sizeof(erasing_args), "Blanks a rectangle (Zhong et al., 2017), or does not"},
    erase,
    false,
    erasing_check};

typedef struct cutout_args {
    int64_t size;
} cutout_args;
static const ct_key cutout_keys[] = {{"size", CT_KEY_INT, offsetof(cutout_args, size), .def = NAN, .min = 1,
                                      .max = 8192, .help = "of the square's side"},
                                     {0}};

static void cut_out(const void *args, ct_picture *p, ct_draw *d) {
    int64_t side = ((const cutout_args *)args)->size;
    int64_t y = ct_draw_below(d, p->h) - side / 2, x = ct_draw_below(d, p->w) - side / 2;
    fill(p, y, x, side, side, 0);
}

const ct_transform ct_cutout = {{"cutout", cutout_keys, sizeof(cutout_args),
                                 "Blanks a square about any pixel, as far as it is inside (DeVries and Taylor, 2017)"},
                                cut_out,
                                false,
                                NULL};

/* ---- noise and blur ---- */

typedef struct noise_args {
    double mean, sigma;
    bool no_clip;
} noise_args;
static const ct_key noise_keys[] = {
    {"mean", CT_KEY_FLOAT, offsetof(noise_args, mean), .min = -1, .max = 1,
     .help = "of what is added, with pixels in 0..1"},
    {"sigma", CT_KEY_FLOAT, offsetof(noise_args, sigma), .def = 0.1, .max = 10, .help = "its standard deviation"},
    {"clip", CT_KEY_NOT, offsetof(noise_args, no_clip), .def = 1, .help = "keep pixels in 0..1"},
    {0}};

static void add_noise(const void *args, ct_picture *p, ct_draw *d) {
    const noise_args *a = args;
    for (int64_t i = 0; i < size(p); i++) {
        float v = p->at[i] + (float)a->mean + (float)a->sigma * ct_draw_normal(d);
        p->at[i] = a->no_clip ? v : clip(v);
    }
}

const ct_transform ct_gaussian_noise = {
    {"gaussian_noise", noise_keys, sizeof(noise_args), "Adds a normal number to each value"}, add_noise, false, NULL};

#define KERNEL_MAX 31

typedef struct blur_args {
    int64_t kernel_size;
    double sigma[2];
} blur_args;
static const ct_key blur_keys[] = {{"kernel_size", CT_KEY_INT, offsetof(blur_args, kernel_size), .def = NAN, .min = 1,
                                    .max = KERNEL_MAX, .help = "of the window, an odd number of pixels"},
                                   {"sigma", CT_KEY_FLOATS, offsetof(blur_args, sigma), .count = 2, .def = 1,
                                    .min = 0.01, .max = 100, .choices = "0.1,2",
                                    .help = "smallest and largest standard deviation, in pixels"},
                                   {0}};

/* out = in weighed along lines of n that lie `step` apart; outside, the line is mirrored about its end pixels. */
static void blur_line(const float *in, int64_t n, int64_t step, const float *weight, int64_t reach, float *out) {
    for (int64_t i = 0; i < n; i++) {
        float sum = 0;
        for (int64_t k = -reach; k <= reach; k++) {
            int64_t at = i + k < 0 ? -i - k : i + k >= n ? 2 * n - 2 - i - k : i + k;
            sum += weight[k + reach] * in[at * step];
        }
        out[i * step] = sum;
    }
}

static void blur(const void *args, ct_picture *p, ct_draw *d) {
    const blur_args *a = args;
    float weight[KERNEL_MAX], sum = 0;
    int64_t reach = a->kernel_size / 2;
    double sigma = ct_draw_uniform(d, a->sigma[0], a->sigma[1]);
    for (int64_t k = -reach; k <= reach; k++)
        sum += weight[k + reach] = (float)ct_exp_f64(-0.5 * ((double)k / sigma) * ((double)k / sigma));
    for (int64_t k = 0; k <= 2 * reach; k++) weight[k] /= sum;
    for (int64_t row = 0; row < p->c * p->h; row++)
        blur_line(p->at + row * p->w, p->w, 1, weight, reach, p->spare + row * p->w);
    for (int64_t c = 0; c < p->c; c++)
        for (int64_t x = 0; x < p->w; x++)
            blur_line(p->spare + c * area(p) + x, p->h, p->w, weight, reach, p->at + c * area(p) + x);
}

static ct_status blur_check(const void *args, int64_t h, int64_t w) {
    const blur_args *a = args;
    if (a->kernel_size % 2 == 0 || a->kernel_size / 2 >= CT_MIN(h, w))
        return ct_fail(CT_BAD_SPEC,
                       "gaussian_blur: kernel_size is %lld; an odd number was expected, half of it inside %lld x %lld",
                       (long long)a->kernel_size, (long long)h, (long long)w);
    if (a->sigma[0] <= a->sigma[1]) return CT_OK;
    return ct_fail(CT_BAD_SPEC, "gaussian_blur: sigma goes from %g down to %g", a->sigma[0], a->sigma[1]);
}

const ct_transform ct_gaussian_blur = {
    {"gaussian_blur", blur_keys, sizeof(blur_args), "Blurs by a drawn standard deviation"}, blur, false, blur_check};
