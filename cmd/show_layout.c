/* Where the boxes, frames and lines of a drawing are. Layers stand below each other on an axis, branches side by side,
   and what they are joined by below them. A line to the next box is straight; one past others has a lane of its own on
   their right, inside the frame that holds both ends. */
#include "cmd/show.h"
#include <math.h>
#include <stdlib.h>

enum { BELOW = 26, BESIDE = 22, PAD = 10, TITLE = 16, LANE = 10, LEAVE = 7, ARRIVE = 9, LINE = 14 };

/* Of a part in the frame that it is in: its axis and top from the frame's, its width on both sides, its height. */
typedef struct place {
    double x, y, left, right, height;
    int next;    /* in the frame's list of parts; -1: none */
    int after;   /* the part below it in the frame's stack, or -1 */
    bool branch; /* beside the stack */
} place;

/* A frame's parts. Arrays of frames have one more, the drawing itself. */
typedef struct frame {
    int child, first, last, join; /* in its list; of its stack; -1: none */
    int start, entry;             /* its first box that reads something, and what that reads outside; or -1 */
    int edge;                     /* of those with lanes in it; -1: none */
} frame;

typedef struct line {
    int home, next; /* the frame whose lane it may have; in that one's list */
    bool enters;    /* begins where the frame's first line comes in */
    bool direct;    /* has no lane */
    double lane;    /* from the home's axis */
} line;

typedef struct layout {
    const ct_sight *sight;
    int n; /* parts; the root's number as a frame */
    place *at;
    frame *frame;
    line *line;
} layout;

static int frame_of(const layout *d, int i) {
    int g = d->sight->all->part[i].group;
    return g < 0 ? d->n : g;
}

static bool is_in(const layout *d, int i, int frame) {
    while (i != d->n && i != frame) i = frame_of(d, i);
    return i == frame;
}

/* What of the frame has part i in it, or is it. */
static int child_with(const layout *d, int frame, int i) {
    while (frame_of(d, i) != frame) i = frame_of(d, i);
    return i;
}

/* ---- who is where in a frame ---- */

static bool drawn(const layout *d, int i) { return d->sight->as[i] == i; }

/* A model's further inputs stand above the first, from which its layers go on. */
static void list_parts(layout *d) {
    const ct_part *part = d->sight->all->part;
    int fields = 0;
    while (fields < d->n && part[fields].kind == CT_PART_FIELD) fields++;
    for (int i = 0; i <= d->n; i++) d->frame[i] = (frame){-1, -1, -1, -1, -1, -1, -1};
    for (int k = d->n - 1; k >= 0; k--) {
        int i = k < fields ? fields - 1 - k : k;
        frame *f = &d->frame[frame_of(d, i)];
        if (!drawn(d, i)) continue;
        d->at[i] = (place){.next = f->child, .after = -1, .branch = part[i].kind == CT_PART_BRANCH};
        f->child = i;
        if (part[i].kind == CT_PART_JOIN)
            f->join = i;
        else if (!d->at[i].branch)
            d->at[i].after = f->first, f->first = i, f->last = f->last < 0 ? i : f->last;
    }
}

/* ---- which lines are straight ---- */

/* Whether nothing is above, or below, part i in the frames that it is in, up to `end`, a part. */
static bool is_top(const layout *d, int i, int end) {
    for (; i != end; i = frame_of(d, i))
        if (!d->at[i].branch && d->frame[frame_of(d, i)].first != i) return false;
    return true;
}
static bool is_bottom(const layout *d, int i, int end) {
    for (; i != end; i = frame_of(d, i)) {
        const frame *f = &d->frame[frame_of(d, i)];
        if (f->join >= 0 ? f->join != i : !d->at[i].branch && f->last != i) return false;
    }
    return true;
}

static int common_frame(const layout *d, int a, int b) {
    int f = frame_of(d, a);
    while (!is_in(d, b, f)) f = frame_of(d, f);
    return f;
}

static bool is_direct(const layout *d, int from, int to) {
    int home = common_frame(d, from, to), a = child_with(d, home, from), b = child_with(d, home, to);
    const frame *f = &d->frame[home];
    bool next = d->at[a].after == b || (b == f->join && (d->at[a].branch || a == f->last));
    return next && is_bottom(d, from, a) && is_top(d, to, b);
}

/* Of each frame, the first line that comes into it. */
static void find_entries(layout *d) {
    for (int e = 0; e < d->sight->n_edges; e++) {
        ct_edge edge = d->sight->edge[e];
        for (int g = frame_of(d, edge.to); g != d->n; g = frame_of(d, g)) {
            if (d->frame[g].start >= 0) continue;
            d->frame[g].start = edge.to;
            if (!is_in(d, edge.from, g)) d->frame[g].entry = edge.from;
        }
    }
}

static void find_home(layout *d, int e) {
    ct_edge edge = d->sight->edge[e];
    line *l = &d->line[e];
    *l = (line){.home = common_frame(d, edge.from, edge.to), .direct = is_direct(d, edge.from, edge.to)};
    for (int g = frame_of(d, edge.to); g != l->home && !l->enters; g = frame_of(d, g)) {
        const frame *f = &d->frame[g];
        if (f->entry != edge.from || f->start == edge.to || !is_direct(d, edge.from, f->start)) continue;
        int b = child_with(d, g, edge.to);
        l->enters = true, l->home = g;
        l->direct = b != f->join && is_top(d, edge.to, b) && (d->at[b].branch || b == f->first);
    }
    if (l->direct) return;
    l->next = d->frame[l->home].edge, d->frame[l->home].edge = e;
}

/* ---- sizes ---- */

/* Where part i is in a frame that it is in. */
static double top_in(const layout *d, int frame, int i) {
    double y = 0;
    for (; i != frame; i = frame_of(d, i)) y += d->at[i].y;
    return y;
}

static void span_of(const layout *d, int e, double *from, double *to) {
    const line *l = &d->line[e];
    ct_edge edge = d->sight->edge[e];
    *from = l->enters ? TITLE : top_in(d, l->home, edge.from) + d->at[edge.from].height + LEAVE;
    *to = top_in(d, l->home, edge.to) - ARRIVE;
}

/* Right of all that is there between its ends, and of the lanes before it. */
static double free_lane(const layout *d, int e) {
    double from, to, x = 0, other_from, other_to;
    span_of(d, e, &from, &to);
    for (int i = d->frame[d->line[e].home].child; i >= 0; i = d->at[i].next) {
        const place *p = &d->at[i];
        if (p->y < to && p->y + p->height > from) x = fmax(x, p->x + p->right);
    }
    x += LANE;
    for (int o = d->frame[d->line[e].home].edge; o >= 0; o = d->line[o].next) {
        span_of(d, o, &other_from, &other_to);
        bool meets = d->line[o].lane > 0 && other_from < to && other_to > from;
        if (meets) x = fmax(x, d->line[o].lane + LANE);
    }
    return x;
}

/* The shortest first, so that longer ones go around them. */
static double place_lanes(layout *d, int frame) {
    double right = 0;
    for (;;) {
        int best = -1;
        double least = INFINITY, from, to;
        for (int e = d->frame[frame].edge; e >= 0; e = d->line[e].next) {
            span_of(d, e, &from, &to);
            if (d->line[e].lane == 0 && to - from < least) best = e, least = to - from;
        }
        if (best < 0) return right;
        d->line[best].lane = free_lane(d, best);
        right = fmax(right, d->line[best].lane);
    }
}

static void measure(layout *d, int g);

static void measure_box(layout *d, int i) {
    char text[CT_BOX_LINES][CT_BOX_WIDTH];
    double width = 0;
    int n = ct_box_text(&d->sight->all->part[i], text);
    for (int k = 0; k < n; k++) width = fmax(width, ct_text_width(text[k]) * CT_GLYPH);
    d->at[i].left = d->at[i].right = width / 2 + PAD, d->at[i].height = n * LINE + PAD;
}

/* The stack and the branches next to each other, their middle on the frame's axis; returns where they end. */
static double place_columns(layout *d, const frame *f, double top) {
    double left = 0, right = 0, x = 0, y = top, bottom = top;
    int n = f->first >= 0;
    for (int i = f->first; i >= 0; i = d->at[i].after)
        left = fmax(left, d->at[i].left), right = fmax(right, d->at[i].right);
    for (int i = f->child; i >= 0; i = d->at[i].next)
        if (d->at[i].branch) x -= (n++ ? BESIDE : 0) + d->at[i].left + d->at[i].right;
    x = n > 1 ? (x - left - right) / 2 : f->first >= 0 ? -left : -d->at[f->child].left;
    if (n > 1) y = top += ARRIVE;
    for (int i = f->first; i >= 0; i = d->at[i].after) {
        d->at[i].x = x + left, d->at[i].y = y;
        bottom = y + d->at[i].height, y = bottom + BELOW;
    }
    if (f->first >= 0) x += left + right + BESIDE;
    for (int i = f->child; i >= 0; i = d->at[i].next) {
        place *p = &d->at[i];
        if (!p->branch) continue;
        p->x = x + p->left, p->y = top;
        x += p->left + p->right + BESIDE, bottom = fmax(bottom, top + p->height);
    }
    return bottom;
}

static void measure(layout *d, int g) {
    frame *f = &d->frame[g];
    place *own = &d->at[g];
    for (int i = f->child; i >= 0; i = d->at[i].next)
        if (d->sight->is_open[i])
            measure(d, i);
        else
            measure_box(d, i);
    double bottom = place_columns(d, f, g == d->n ? PAD : TITLE + PAD);
    if (f->join >= 0) d->at[f->join].y = bottom + BELOW, bottom += BELOW + d->at[f->join].height;
    own->height = bottom + PAD;
    own->left =
        g == d->n ? 0 : ct_text_width(ct_box_title(&d->sight->all->part[g], (char[CT_BOX_WIDTH]){0})) * CT_GLYPH;
    own->right = place_lanes(d, g);
    for (int i = f->child; i >= 0; i = d->at[i].next)
        own->left = fmax(own->left, d->at[i].left - d->at[i].x),
        own->right = fmax(own->right, d->at[i].right + d->at[i].x);
    own->left += PAD, own->right += PAD;
}

/* ---- the drawing ---- */

static void add_point(ct_route *r, double x, double y) {
    bool again = r->n && fabs(r->at[r->n - 1].x - x) < 0.5 && fabs(r->at[r->n - 1].y - y) < 0.5;
    if (!again) r->at[r->n++] = (ct_point){x, y};
}

/* All places are the drawing's by now. */
static void route(const layout *d, int e, ct_route *out) {
    const line *l = &d->line[e];
    ct_edge edge = d->sight->edge[e];
    const place *a = &d->at[edge.from], *b = &d->at[edge.to], *home = &d->at[l->home];
    double x = l->enters ? home->x : a->x, y = l->enters ? home->y + TITLE : a->y + a->height;
    add_point(out, x, y);
    if (l->direct && fabs(x - b->x) > 0.5) { /* above what stands beside the axis as a whole */
        int i = edge.to;
        while (!is_in(d, edge.from, frame_of(d, i)) && fabs(d->at[frame_of(d, i)].x - b->x) < 0.5) i = frame_of(d, i);
        add_point(out, x, d->at[i].y - ARRIVE), add_point(out, b->x, d->at[i].y - ARRIVE);
    } else if (!l->direct) {
        double lane = home->x + l->lane;
        if (!l->enters) add_point(out, x, y += LEAVE);
        add_point(out, lane, y), add_point(out, lane, b->y - ARRIVE), add_point(out, b->x, b->y - ARRIVE);
    }
    add_point(out, b->x, b->y);
}

void ct_drawing_make(const ct_sight *s, ct_drawing *out) {
    int n = s->all->n;
    layout d = {s, n, ct_cmd_alloc((size_t)n + 1, sizeof *d.at), ct_cmd_alloc((size_t)n + 1, sizeof *d.frame),
                ct_cmd_alloc((size_t)s->n_edges + 1, sizeof *d.line)};
    list_parts(&d);
    find_entries(&d);
    for (int e = 0; e < s->n_edges; e++) find_home(&d, e);
    measure(&d, n);
    d.at[n].x = d.at[n].left;
    *out = (ct_drawing){d.at[n].left + d.at[n].right, d.at[n].height, ct_cmd_alloc((size_t)n, sizeof *out->at),
                        ct_cmd_alloc((size_t)s->n_edges + 1, sizeof *out->route)};
    for (int i = 0; i < n; i++) {
        place *p = &d.at[i];
        p->x += d.at[frame_of(&d, i)].x, p->y += d.at[frame_of(&d, i)].y;
        out->at[i] = (ct_rect){p->x - p->left, p->y, p->left + p->right, p->height};
    }
    for (int e = 0; e < s->n_edges; e++) route(&d, e, &out->route[e]);
    free(d.at), free(d.frame), free(d.line);
}

void ct_drawing_free(ct_drawing *d) { free(d->at), free(d->route); }
