/* The learning rate over a run, plotted. */
#include "cmd/show.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 12, LABEL = 10, WIDE = 80, EIGHTHS = 8 };

/* The lines of a plot: groups whose rates are always the same are one. */
static bool has_line(const ct_rates_report *r, int g) {
    for (int other = 0; other < g; other++) {
        bool same = true;
        for (int64_t i = 0; i < r->n && same; i++)
            same = r->rate[i * r->n_groups + g] == r->rate[i * r->n_groups + other];
        if (same) return false;
    }
    return true;
}

/* What a line is called, with its ends. */
static char *title(const ct_rates_report *r, int g) {
    bool several = false;
    for (int other = 1; other < r->n_groups; other++) several = several || has_line(r, other);
    const char *name = !several ? "learning rate" : *r->group[g] ? r->group[g] : "all but the groups";
    return ct_cmd_format("%s: %.4g to %.4g", name, r->rate[g], r->rate[(r->n - 1) * r->n_groups + g]);
}

static double top_of(const ct_rates_report *r, int g) {
    double top = 0;
    for (int64_t i = 0; i < r->n; i++) top = fmax(top, r->rate[i * r->n_groups + g]);
    return top;
}

static void print_head(FILE *out, const ct_rates_report *r) {
    fprintf(out, "%s%s: %" PRId64 " steps, %" PRId64 " an epoch\n", r->schedule ? r->schedule : "no schedule",
            !r->schedule  ? ""
            : r->per_step ? ", moved every step"
                          : ", moved every epoch",
            r->steps, r->epoch_steps);
    if (r->listens) fputs("where the metric always gets better; else it drops\n", out);
}

/* ---- text ---- */

/* The highest rate in a column's share of the steps. */
static double height_of(const ct_rates_report *r, int g, int column, int columns) {
    int64_t from = column * r->n / columns, to = (column + 1) * r->n / columns;
    double high = r->rate[from * r->n_groups + g];
    for (int64_t i = from + 1; i < to; i++) high = fmax(high, r->rate[i * r->n_groups + g]);
    return high;
}

/* A row of the columns, each filled as far as its height, in rows, goes. */
static void plot_row(FILE *out, const double *height, int columns, int row, bool draws) {
    static const char *const blocks[] = {"",       "\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char plain[] = " ...:::##";
    int spaces = 0;
    for (int x = 0; x < columns; x++) {
        double fill = ceil((height[x] - row) * EIGHTHS - 0.01), least = row == 0 && height[x] > 0;
        int eighths = (int)fmin(fmax(fill, least), EIGHTHS);
        if (!eighths) {
            spaces++;
            continue;
        }
        fprintf(out, "%*s", spaces, "");
        if (draws)
            fputs(blocks[eighths], out);
        else
            putc(plain[eighths], out);
        spaces = 0;
    }
    putc('\n', out);
}

static void plot_text(FILE *out, const ct_rates_report *r, int g, int columns, bool draws) {
    double top = top_of(r, g), *height = ct_cmd_alloc((size_t)columns, sizeof *height);
    char *name = title(r, g), *end = ct_cmd_format("%" PRId64, r->steps);
    for (int x = 0; x < columns; x++) height[x] = top > 0 ? height_of(r, g, x, columns) * ROWS / top : 0;
    putc('\n', out), ct_say_text(out, name, -1), putc('\n', out);
    for (int row = ROWS - 1; row >= 0; row--) {
        if (row == ROWS - 1 || row == ROWS / 2 - 1)
            fprintf(out, "%*.4g |", LABEL, top * (row + 1) / ROWS);
        else
            fprintf(out, "%*s |", LABEL, "");
        plot_row(out, height, columns, row, draws);
    }
    fprintf(out, "%*d +", LABEL, 0);
    for (int x = 0; x < columns; x++) putc('-', out);
    fprintf(out, "\n%*s 0%*s\n", LABEL + 1, "", columns - 1, end);
    free(height), free(name), free(end);
}

int64_t ct_show_schedule_points(bool svg) {
    int width = ct_terminal_width(STDOUT_FILENO);
    return svg ? 2000 : 16 * (int64_t)(width ? width : WIDE);
}

void ct_show_schedule_text(FILE *out, const ct_rates_report *r) {
    int width = out == stdout ? ct_terminal_width(STDOUT_FILENO) : 0, columns = (width ? width : WIDE) - LABEL - 3;
    bool draws = out == stdout && ct_terminal_draws(STDOUT_FILENO);
    print_head(out, r);
    for (int g = 0; g < r->n_groups; g++)
        if (has_line(r, g)) plot_text(out, r, g, columns > LABEL ? columns : LABEL, draws);
}

/* ---- JSON ---- */
void ct_show_schedule_json(FILE *out, const ct_rates_report *r) {
    ct_json j = {.out = out};
    ct_json_open(&j, NULL, '{');
    ct_json_text(&j, "schedule", r->schedule);
    ct_json_text(&j, "per", r->schedule ? r->per_step ? "step" : "epoch" : NULL);
    ct_json_int(&j, "steps", r->steps);
    ct_json_int(&j, "epoch_steps", r->epoch_steps);
    ct_json_open(&j, "step", '[');
    for (int64_t i = 0; i < r->n; i++) ct_json_int(&j, NULL, r->step[i]);
    ct_json_close(&j, ']');
    ct_json_open(&j, "groups", '[');
    for (int g = 0; g < r->n_groups; g++) {
        ct_json_open(&j, NULL, '{');
        ct_json_text(&j, "pattern", *r->group[g] ? r->group[g] : NULL);
        ct_json_open(&j, "rate", '[');
        for (int64_t i = 0; i < r->n; i++) ct_json_number(&j, NULL, r->rate[i * r->n_groups + g]);
        ct_json_close(&j, ']');
        ct_json_close(&j, '}');
    }
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
}

/* ---- SVG ---- */
enum { WIDTH = 760, HEIGHT = 360, LEFT = 80, RIGHT = 50, TOP = 10, BOTTOM = 50, TICKS = 4, LINE = 15 };
static const char *const colours[] = {"#1f5fa8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#117a8b"};

/* A grid with numbers at it. */
static void write_axes(FILE *out, const ct_rates_report *r, double top) {
    const int w = WIDTH - LEFT - RIGHT, h = HEIGHT - TOP - BOTTOM;
    for (int k = 0; k <= TICKS; k++) {
        int x = LEFT + w * k / TICKS, y = TOP + h - h * k / TICKS;
        int64_t step = (int64_t)((double)r->steps * k / TICKS);
        fprintf(out, "<path d=\"M%d,%d h%d M%d,%d v%d\" stroke=\"#dddddd\"/>\n", LEFT, y, w, x, TOP, h);
        fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.4g</text>\n", LEFT - 6, y + 4, top * k / TICKS);
        fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%" PRId64 "</text>\n", x, TOP + h + LINE, step);
        fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#808080\">epoch %.4g</text>\n", x,
                TOP + h + 2 * LINE, (double)step / (double)r->epoch_steps);
    }
}

static const char *colour_of(const ct_rates_report *r, int g) {
    int lines = 0;
    for (int other = 0; other < g; other++) lines += has_line(r, other);
    return colours[lines % (int)(sizeof colours / sizeof *colours)];
}

static void write_line(FILE *out, const ct_rates_report *r, int g, double top) {
    double last = r->steps > 1 ? (double)(r->steps - 1) : 1;
    fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"", colour_of(r, g));
    for (int64_t i = 0; i < r->n; i++)
        fprintf(out, "%s%.2f,%.2f", i ? " " : "", LEFT + (WIDTH - LEFT - RIGHT) * ((double)r->step[i] / last),
                HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (r->rate[i * r->n_groups + g] / top));
    fputs("\"/>\n", out);
}

static void write_title(FILE *out, const ct_rates_report *r, int g, int y) {
    char *name = title(r, g);
    fprintf(out, "<text x=\"%d\" y=\"%d\" fill=\"%s\">", LEFT, y, colour_of(r, g));
    ct_svg_text(out, name);
    fputs("</text>\n", out);
    free(name);
}

void ct_show_schedule_svg(FILE *out, const ct_rates_report *r) {
    double top = 0;
    int lines = 0;
    for (int g = 0; g < r->n_groups; g++) top = fmax(top, top_of(r, g)), lines += has_line(r, g);
    top = top > 0 ? top : 1;
    ct_svg_begin(out, WIDTH, HEIGHT + LINE * lines);
    for (int g = 0, y = LINE; g < r->n_groups; g++)
        if (has_line(r, g)) write_title(out, r, g, y), y += LINE;
    fprintf(out, "<g transform=\"translate(0 %d)\">\n", LINE * lines);
    write_axes(out, r, top);
    for (int g = 0; g < r->n_groups; g++)
        if (has_line(r, g)) write_line(out, r, g, top);
    fputs("</g>\n</svg>\n", out);
}
