/* A model as a tree: a line a layer. */
#include "cmd/show.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAST 16 /* characters that the tree has, however narrow the terminal */
#define DEEPEST 80

typedef struct tree {
    const ct_sight *view;
    bool *last;                       /* of its group's lines */
    const char *bar, *fork, *end;     /* what the branches are drawn with, three characters each */
    int name, output, numbers, width; /* of columns, 0: there is none; of the line, 0: any */
} tree;

static bool has_line(const ct_sight *v, int i) { return v->as[i] == i && v->all->part[i].kind != CT_PART_JOIN; }

static char *label(const tree *t, int i) {
    const ct_part *p = &t->view->all->part[i];
    char branches[6 * DEEPEST] = "";
    int above[DEEPEST], n = 0;
    for (int g = p->group; g >= 0 && n < DEEPEST; g = t->view->all->part[g].group) above[n++] = g;
    for (int k = n - 2; k >= 0; k--) strcat(branches, t->last[above[k]] ? "   " : t->bar);
    if (n) strcat(branches, t->last[i] ? t->end : t->fork);
    bool named = p->kind == CT_PART_FIELD || p->kind == CT_PART_LOSS;
    return ct_cmd_format("%s%s%s%s%s%s", branches, p->name, named ? "" : " ", named ? "" : p->what,
                         *p->reads ? " <- " : "", p->reads);
}

static int wider(int a, int b) { return a > b ? a : b; }

/* Where a terminal is too narrow for all columns, the last ones go first. */
static void measure(tree *t, int width) {
    const ct_parts *all = t->view->all;
    t->name = LEAST, t->output = (int)strlen("output");
    for (int i = 0; i < all->n; i++) {
        if (!has_line(t->view, i)) continue;
        char *text = label(t, i);
        t->name = wider(t->name, ct_text_width(text));
        t->output = wider(t->output, ct_text_width(all->part[i].output));
        free(text);
    }
    t->numbers = (int)strlen("parameters"), t->width = width;
    if (width && width < LEAST + t->output + t->numbers + 4) t->output = 0;
    if (width && width < LEAST + t->numbers + 2) t->numbers = 0;
    int rest = width - (t->output ? t->output + 2 : 0) - (t->numbers ? t->numbers + 2 : 0);
    if (width && t->name > rest) t->name = wider(rest, 1);
}

/* Spaces are written when something follows them. */
static void print_cell(FILE *out, int *spaces, const char *text, int width, bool right) {
    int w = ct_text_width(text) < width ? ct_text_width(text) : width, before = right ? width - w : 0;
    if (w) fprintf(out, "%*s", *spaces + before, ""), *spaces = -before - w;
    ct_say_text(out, text, w);
    *spaces += width + 2;
}

static void print_line(FILE *out, const tree *t, const char *name, const char *output, const char *number,
                       const char *settings) {
    int spaces = 0, used = t->name + (t->output ? t->output + 2 : 0) + (t->numbers ? t->numbers + 2 : 0);
    print_cell(out, &spaces, name, t->name, false);
    if (t->output) print_cell(out, &spaces, output, t->output, false);
    if (t->numbers) print_cell(out, &spaces, number, t->numbers, true);
    if (!t->width || t->width > used + 10)
        print_cell(out, &spaces, settings, t->width ? t->width - used - 2 : 200, false);
    putc('\n', out);
}

static void print_part(FILE *out, const tree *t, int i) {
    const ct_part *p = &t->view->all->part[i];
    char *name = label(t, i), number[32] = "";
    if (p->parameters) snprintf(number, sizeof number, "%" PRId64, p->parameters);
    print_line(out, t, name, p->output, number, p->settings);
    free(name);
}

static void print_total(FILE *out, const tree *t, const char *what, int64_t n) {
    char number[32];
    snprintf(number, sizeof number, "%" PRId64, n);
    print_line(out, t, what, "", number, "");
}

void ct_show_tree(FILE *out, const ct_sight *v) {
    const ct_parts *all = v->all;
    bool draws = out == stdout && ct_terminal_draws(STDOUT_FILENO);
    tree t = {v, ct_cmd_alloc((size_t)all->n, sizeof *t.last), "|  ", "|- ", "`- ", 0, 0, 0, 0};
    if (draws) t.bar = "\u2502  ", t.fork = "\u251c\u2500 ", t.end = "\u2514\u2500 ";
    bool *closed = ct_cmd_alloc((size_t)all->n, sizeof *closed); /* groups whose last line was met */
    for (int i = all->n - 1; i >= 0; i--) {
        int g = all->part[i].group;
        if (g < 0 || !has_line(v, i)) continue;
        t.last[i] = !closed[g], closed[g] = true;
    }
    measure(&t, out == stdout ? ct_terminal_width(STDOUT_FILENO) : 0);
    print_line(out, &t, "layer", "output", "parameters", "settings");
    for (int i = 0; i < all->n; i++)
        if (has_line(v, i)) print_part(out, &t, i);
    print_total(out, &t, "total", all->parameters);
    if (all->trainable < all->parameters) print_total(out, &t, "trainable", all->trainable);
    free(t.last), free(closed);
}

/* ---- JSON ---- */
static const char *const kinds[] = {"field", "layer", "join", "group", "branch", "loss"};

static void print_json_part(ct_json *j, const ct_part *p) {
    ct_json_open(j, NULL, '{');
    ct_json_text(j, "kind", kinds[p->kind]);
    ct_json_text(j, "name", p->name);
    ct_json_text(j, "layer", p->what);
    ct_json_text(j, "settings", p->settings);
    ct_json_text(j, "output", *p->output ? p->output : NULL);
    ct_json_int(j, "parameters", p->parameters);
    if (p->group < 0)
        ct_json_text(j, "group", NULL);
    else
        ct_json_int(j, "group", p->group);
    ct_json_open(j, "inputs", '[');
    for (int i = 0; i < p->n_in; i++)
        if (p->in[i] >= 0) ct_json_int(j, NULL, p->in[i]);
    ct_json_close(j, ']');
    ct_json_close(j, '}');
}

void ct_show_json(FILE *out, const ct_parts *p) {
    ct_json j = {.out = out};
    ct_json_open(&j, NULL, '{');
    ct_json_int(&j, "parameters", p->parameters);
    ct_json_int(&j, "trainable", p->trainable);
    ct_json_open(&j, "parts", '[');
    for (int i = 0; i < p->n; i++) print_json_part(&j, &p->part[i]);
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
}
