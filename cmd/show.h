/* What the files of ctorch show share. */
#ifndef CT_CMD_SHOW_H
#define CT_CMD_SHOW_H
#include "cmd/cmd.h"

/* ---- show_sight.c: the parts that are drawn, and what flows between them ---- */
typedef struct ct_edge {
    int from, to;
} ct_edge;
typedef struct ct_sight {
    const ct_parts *all;
    int *as;       /* part i is drawn as part as[i]: itself, or the group that hides it */
    bool *is_open; /* of groups: what is in it is drawn, not a box in its place */
    int *depth;    /* from 1 */
    ct_edge *edge; /* n_edges between boxes, each once, in the order of their ends */
    int n_edges;
} ct_sight;
/* depth: groups are open down to there; 0: all. */
void ct_sight_open(const ct_parts *all, int64_t depth, ct_sight *out);
void ct_sight_free(ct_sight *v);
/* Whether part i has a box of its own. */
bool ct_sight_is_box(const ct_sight *v, int i);

/* ---- show_tree.c ---- */
void ct_show_tree(FILE *out, const ct_sight *v);
void ct_show_json(FILE *out, const ct_parts *p);

/* ---- show_plan.c ---- */
void ct_show_plan_text(FILE *out, const ct_plan_report *r, bool eval);
void ct_show_plan_json(FILE *out, const ct_plan_report *r, bool eval);

/* ---- show_schedule.c ---- */
int64_t ct_show_schedule_points(bool svg); /* how many steps' rates a plot has room for */
void ct_show_schedule_text(FILE *out, const ct_rates_report *r);
void ct_show_schedule_json(FILE *out, const ct_rates_report *r);
void ct_show_schedule_svg(FILE *out, const ct_rates_report *r);

/* ---- show_batch.c ---- */
/* A PNG, or of a text a file with the samples. */
ct_status ct_show_batch_file(const char *path, const ct_batch_report *b);

/* ---- show_box.c: what drawings say of a part ---- */
#define CT_BOX_LINES 3
#define CT_BOX_WIDTH 300 /* bytes of a line */
#define CT_GLYPH 6.7     /* the width of a character, of SVG's unit */
/* Its name and kind; in `out`, which it returns. */
const char *ct_box_title(const ct_part *p, char out[CT_BOX_WIDTH]);
/* Lines in its box: how many. */
int ct_box_text(const ct_part *p, char text[CT_BOX_LINES][CT_BOX_WIDTH]);
const char *ct_box_colour(const ct_part *p);
void ct_show_dot(FILE *out, const ct_sight *s);

/* ---- show_layout.c ---- */
typedef struct ct_point {
    double x, y;
} ct_point;
typedef struct ct_rect {
    double x, y, width, height;
} ct_rect;
typedef struct ct_route {
    ct_point at[6]; /* n of them, from an edge's first end to its second */
    int n;
} ct_route;
typedef struct ct_drawing {
    double width, height;
    ct_rect *at;     /* of each part that is drawn: a box, or an open group's frame */
    ct_route *route; /* of each edge */
} ct_drawing;
void ct_drawing_make(const ct_sight *s, ct_drawing *out);
void ct_drawing_free(ct_drawing *d);

/* ---- show_svg.c ---- */
void ct_show_svg(FILE *out, const ct_sight *s);
/* For other drawings: the beginning of a file (which ends with </svg>), and text in one. */
void ct_svg_begin(FILE *out, double width, double height);
void ct_svg_text(FILE *out, const char *s);
#endif
