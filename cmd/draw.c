/* Samples drawn in the terminal, beside what a model says of them. */
#include "cmd/cmd.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDEST 64        /* pixels a drawing is wide or high at most */
#define SMALL 16         /* up to here a pixel is drawn twice as large */
#define CAPTION_LEAST 24 /* characters */

typedef struct drawing {
    bool blocks;                  /* half blocks in 24 greys, else characters */
    int64_t channels, h, w;       /* of a sample */
    int64_t rows, columns;        /* of pixels drawn */
    int64_t lines, width, across; /* a drawing's lines and characters, and how many stand side by side */
    const unsigned char *pixels;  /* of the samples picked */
} drawing;

/* The sample's grey at a drawn pixel. */
static int grey_at(const drawing *d, int64_t sample, int64_t row, int64_t column) {
    const unsigned char *p = d->pixels + sample * d->channels * d->h * d->w;
    int64_t at = row * d->h / d->rows * d->w + column * d->w / d->columns;
    if (d->channels == 1) return p[at];
    int64_t plane = d->h * d->w;
    return (p[at] * 299 + p[at + plane] * 587 + p[at + 2 * plane] * 114) / 1000;
}

static void print_line(const drawing *d, int64_t sample, int64_t line) {
    static const char shades[] = " .:-=+*#%@";
    int before[2] = {-1, -1};
    for (int64_t c = 0; c < d->columns; c++) {
        if (!d->blocks) {
            char shade = shades[grey_at(d, sample, line, c) * 10 / 256];
            printf("%c%c", shade, shade);
            continue;
        }
        int top = grey_at(d, sample, 2 * line, c);
        int bottom = 2 * line + 1 < d->rows ? grey_at(d, sample, 2 * line + 1, c) : 0;
        top = 232 + top * 24 / 256, bottom = 232 + bottom * 24 / 256;
        if (top != before[0] || bottom != before[1]) printf("\033[38;5;%d;48;5;%dm", top, bottom);
        before[0] = top, before[1] = bottom;
        fputs("\u2580", stdout);
    }
    if (d->blocks) fputs("\033[0m", stdout);
    int64_t drawn = d->columns * (d->blocks ? 1 : 2);
    printf("%*s", (int)(d->width - drawn), "");
}

static void arrange(drawing *d) {
    const char *plain = getenv("NO_COLOR");
    int width = ct_terminal_width(STDOUT_FILENO);
    d->blocks = ct_terminal_draws(STDOUT_FILENO) && !(plain && *plain);
    int64_t scale = d->blocks && d->h <= SMALL && d->w <= SMALL ? 2 : 1;
    int64_t longest = d->h > d->w ? d->h : d->w;
    d->rows = d->h * scale, d->columns = d->w * scale;
    if (longest > WIDEST) d->rows = d->h * WIDEST / longest, d->columns = d->w * WIDEST / longest;
    d->rows = d->rows ? d->rows : 1, d->columns = d->columns ? d->columns : 1;
    d->lines = d->blocks ? (d->rows + 1) / 2 : d->rows;
    d->width = d->columns * (d->blocks ? 1 : 2);
    d->width = (d->width > CAPTION_LEAST ? d->width : CAPTION_LEAST) + 2;
    d->across = (width ? width : 80) / d->width;
    d->across = d->across ? d->across : 1;
}

/* Sample numbers, the classes in turn, each class's samples in their order. */
static int64_t pick(const int64_t *label, int64_t total, int classes, int64_t n, int64_t *out) {
    int64_t picked = 0;
    int64_t *next = ct_cmd_alloc((size_t)classes, sizeof *next);
    for (bool more = true; more && picked < n;) {
        more = false;
        for (int class = 0; class < classes && picked < n; class ++) {
            while (next[class] < total && label[next[class]] != class) next[class]++;
            if (next[class] == total) continue;
            out[picked++] = next[class]++;
            more = true;
        }
    }
    free(next);
    return picked;
}

static int best_of(const float *p, int classes) {
    int best = 0;
    for (int i = 1; i < classes; i++) best = p[i] > p[best] ? i : best;
    return best;
}

/* "3: 3 99.8%", and a mark where the model is wrong. */
static void print_caption(const drawing *d, const ct_model *m, int64_t label, const float *p) {
    int said = best_of(p, ct_model_classes(m));
    const char *is = ct_model_class(m, (int)label), *name = ct_model_class(m, said);
    char *end = ct_cmd_format(" %.1f%%%s", 100 * (double)p[said], said == label ? "" : "  WRONG");
    int room = (int)(d->width - 4) - (int)strlen(end), half = room / 2;
    int w = ct_text_width(is) < half ? ct_text_width(is) : half, v = ct_text_width(name);
    v = v < room - w ? v : room - w;
    ct_say_text(stdout, is, w);
    fputs(": ", stdout);
    ct_say_text(stdout, name, v);
    printf("%s%*s", end, (int)d->width - w - 2 - v - (int)strlen(end), "");
    free(end);
}

static void print_all(const drawing *d, const ct_model *m, int64_t n, const int64_t *label, const float *p) {
    printf("\n%lld samples, each with its class and what the model says\n", (long long)n);
    for (int64_t first = 0; first < n; first += d->across) {
        int64_t end = first + d->across < n ? first + d->across : n;
        putchar('\n');
        for (int64_t line = 0; line < d->lines; line++) {
            for (int64_t i = first; i < end; i++) print_line(d, i, line);
            putchar('\n');
        }
        for (int64_t i = first; i < end; i++) print_caption(d, m, label[i], p + i * ct_model_classes(m));
        putchar('\n');
    }
}

/* The picked samples side by side, as the model takes them. */
static ct_status draw_picked(ct_model *m, drawing *d, const ct_tensor *all, const int64_t *label, const int64_t *picked,
                             int64_t n) {
    size_t size = (size_t)(d->channels * d->h * d->w);
    unsigned char *pixels = ct_cmd_alloc((size_t)n, size);
    float *p = ct_cmd_alloc((size_t)n * (size_t)ct_model_classes(m), sizeof *p);
    int64_t *labels = ct_cmd_alloc((size_t)n, sizeof *labels);
    for (int64_t i = 0; i < n; i++) {
        memcpy(pixels + (size_t)i * size, (const unsigned char *)ct_data(all) + (size_t)picked[i] * size, size);
        labels[i] = label[picked[i]];
    }
    ct_status status = ct_model_predict(m, ct_from(CT_U8, CT_DIMS(n, d->channels, d->h, d->w), pixels), p);
    d->pixels = pixels;
    if (!status) print_all(d, m, n, labels, p);
    free(pixels), free(p), free(labels);
    return status;
}

ct_status ct_draw_samples(ct_model *m, const ct_eval_options *options, int64_t total, int64_t n) {
    drawing d = {0};
    int64_t size[2];
    if (!ct_model_image(m, size, &d.channels) || !ct_model_classifies(m))
        return ct_say(CT_FAIL, "--show: the model gives no class for an image");
    d.h = size[0], d.w = size[1];
    arrange(&d);
    n = n < total ? n : total;
    int64_t *label = ct_cmd_alloc((size_t)total, sizeof *label), *picked = ct_cmd_alloc((size_t)n, sizeof *picked);
    ct_scope *scope = ct_scope_open();
    ct_tensor *all = ct_model_samples(m, options, 0, total, label);
    ct_status status = CT_OK;
    if (!ct_why(all)) {
        n = pick(label, ct_size(all, 0), ct_model_classes(m), n, picked);
        status = draw_picked(m, &d, all, label, picked, n);
    }
    ct_status closed = ct_scope_close(scope);
    free(label), free(picked);
    return ct_say_error(status ? status : closed);
}
