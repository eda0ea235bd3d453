/* What drawings say of a part, and the drawing as Graphviz's text. */
#include "cmd/show.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WIDEST 58 /* characters of settings */

const char *ct_box_title(const ct_part *p, char out[CT_BOX_WIDTH]) {
    bool named = p->kind == CT_PART_FIELD || p->kind == CT_PART_LOSS, join = p->kind == CT_PART_JOIN;
    snprintf(out, CT_BOX_WIDTH, "%s%s%s", join ? "" : p->name, join || named ? "" : " ", named ? "" : p->what);
    return out;
}

int ct_box_text(const ct_part *p, char text[CT_BOX_LINES][CT_BOX_WIDTH]) {
    int n = 1;
    ct_box_title(p, text[0]);
    if (*p->settings) {
        bool cut = ct_text_width(p->settings) > WIDEST;
        snprintf(text[n++], CT_BOX_WIDTH, "%.*s%s", ct_text_bytes(p->settings, WIDEST), p->settings, cut ? "..." : "");
    }
    if (p->kind == CT_PART_LOSS) snprintf(text[n++], CT_BOX_WIDTH, "of %s", p->reads);
    if (p->kind == CT_PART_JOIN || !*p->output) return n;
    n += snprintf(text[n], CT_BOX_WIDTH, "%s", p->output) > 0;
    size_t len = strlen(text[n - 1]);
    if (p->parameters) snprintf(text[n - 1] + len, CT_BOX_WIDTH - len, ", %" PRId64 " parameters", p->parameters);
    return n;
}

const char *ct_box_colour(const ct_part *p) {
    static const char *const of_kind[] = {
        [CT_PART_FIELD] = "#e4e4e4", [CT_PART_LAYER] = "#ffffff",  [CT_PART_JOIN] = "#ffe9a8",
        [CT_PART_GROUP] = "#ffffff", [CT_PART_BRANCH] = "#ffffff", [CT_PART_LOSS] = "#f6c9c4"};
    return p->parameters ? "#c9ddf5" : of_kind[p->kind];
}

static void write_text(FILE *out, const char *s) {
    for (int n; *s; s += n ? n : 1) {
        n = ct_text_char(s);
        if (*s == '"' || *s == '\\') putc('\\', out);
        fwrite(n ? s : "?", 1, n ? (size_t)n : 1, out);
    }
}

static void write_box(FILE *out, int i, const ct_part *p) {
    char text[CT_BOX_LINES][CT_BOX_WIDTH];
    int n = ct_box_text(p, text);
    fprintf(out, "  n%d [fillcolor=\"%s\", label=\"", i, ct_box_colour(p));
    for (int k = 0; k < n; k++) fputs(k ? "\\n" : "", out), write_text(out, text[k]);
    fputs("\"]\n", out);
}

void ct_show_dot(FILE *out, const ct_sight *s) {
    char title[CT_BOX_WIDTH];
    int open = -1; /* the innermost cluster */
    fputs("digraph model {\n  node [shape=box, style=\"rounded,filled\", fontname=monospace, fontsize=10]\n"
          "  graph [style=rounded, fontname=monospace, fontsize=10, labeljust=l, color=gray]\n",
          out);
    for (int i = 0; i < s->all->n; i++) {
        const ct_part *p = &s->all->part[i];
        if (s->as[i] != i) continue;
        for (; open != p->group; open = s->all->part[open].group) fputs("  }\n", out);
        if (!s->is_open[i]) {
            write_box(out, i, p);
            continue;
        }
        fprintf(out, "  subgraph cluster_%d {\n  label=\"", open = i);
        write_text(out, ct_box_title(p, title));
        fputs("\"\n", out);
    }
    for (; open >= 0; open = s->all->part[open].group) fputs("  }\n", out);
    for (int e = 0; e < s->n_edges; e++) fprintf(out, "  n%d -> n%d\n", s->edge[e].from, s->edge[e].to);
    fputs("}\n", out);
}
