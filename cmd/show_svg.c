/* A drawing as SVG. */
#include "cmd/show.h"
#include <stdlib.h>

enum { LINE = 14, TITLE = 12 };

void ct_svg_text(FILE *out, const char *s) {
    for (int n; *s; s += n ? n : 1) {
        n = ct_text_char(s);
        const char *entity = *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : *s == '&' ? "&amp;" : NULL;
        if (entity)
            fputs(entity, out);
        else
            fwrite(n ? s : "?", 1, n ? (size_t)n : 1, out);
    }
}

void ct_svg_begin(FILE *out, double width, double height) {
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
            "font-family=\"monospace\" font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
            width, height, width, height);
}

static void write_rect(FILE *out, const ct_rect *r, const char *fill, const char *stroke) {
    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"4\" fill=\"%s\" stroke=\"%s\"/>\n",
            r->x, r->y, r->width, r->height, fill, stroke);
}

static void write_frame(FILE *out, const ct_part *p, const ct_rect *r, int depth) {
    char title[CT_BOX_WIDTH];
    write_rect(out, r, depth % 2 ? "#f6f6f6" : "#fdfdfd", "#b0b0b0");
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" fill=\"#606060\">", r->x + 5, r->y + TITLE);
    ct_svg_text(out, ct_box_title(p, title));
    fputs("</text>\n", out);
}

static void write_box(FILE *out, const ct_part *p, const ct_rect *r) {
    char text[CT_BOX_LINES][CT_BOX_WIDTH];
    int n = ct_box_text(p, text);
    write_rect(out, r, ct_box_colour(p), "#505050");
    for (int k = 0; k < n; k++) {
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\"%s>", r->x + r->width / 2,
                r->y + LINE * (k + 1) + 1, k ? " fill=\"#404040\"" : " font-weight=\"bold\"");
        ct_svg_text(out, text[k]);
        fputs("</text>\n", out);
    }
}

static void write_route(FILE *out, const ct_route *r) {
    fputs("<polyline points=\"", out);
    for (int i = 0; i < r->n; i++) fprintf(out, "%s%.1f,%.1f", i ? " " : "", r->at[i].x, r->at[i].y);
    fputs("\"/>\n", out);
}

void ct_show_svg(FILE *out, const ct_sight *s) {
    ct_drawing d;
    ct_drawing_make(s, &d);
    ct_svg_begin(out, d.width, d.height);
    for (int i = 0; i < s->all->n; i++)
        if (s->is_open[i]) write_frame(out, &s->all->part[i], &d.at[i], s->depth[i]);
    fputs("<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
          "orient=\"auto\"><path d=\"M0,1 L8,4 L0,7 z\" fill=\"#505050\"/></marker></defs>\n"
          "<g fill=\"none\" stroke=\"#505050\" stroke-linejoin=\"round\" marker-end=\"url(#arrow)\">\n",
          out);
    for (int e = 0; e < s->n_edges; e++) write_route(out, &d.route[e]);
    fputs("</g>\n", out);
    for (int i = 0; i < s->all->n; i++)
        if (ct_sight_is_box(s, i)) write_box(out, &s->all->part[i], &d.at[i]);
    fputs("</svg>\n", out);
    ct_drawing_free(&d);
}
