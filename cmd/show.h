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

void ct_show_tree(FILE *out, const ct_sight *v);
void ct_show_json(FILE *out, const ct_parts *p);
#endif
