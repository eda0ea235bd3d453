/* Sums over any dimensions. They are seen in memory's order: the innermost run is either reduced (a row: lanes, then a
   tree) or kept (columns: one after another); what is reduced is cut into blocks of a fixed size, added in order. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/layout.h"
#include <string.h>

#define BLOCK 8192                                /* elements of a block: part of the definition of the result */
#define BLOCK_ROWS 32                             /* at least, where columns are added */
#define COLUMNS (VW >= 8 ? 4 * LANES : 2 * LANES) /* added at once, in registers */
#define TILE 1024                                 /* columns of a task */

typedef struct axis {
    int64_t size, x, y;
} axis; /* a dimension, and its strides */
typedef struct axes {
    int n;
    int64_t count; /* product of the sizes */
    axis of[CT_MAX_DIMS];
} axes;

typedef struct sum_state {
    axes kept, reduced; /* outside the innermost run */
    axis run;
    bool columns;                /* the run is kept */
    int64_t tiles;               /* of columns */
    int64_t rows, pieces, piece; /* a block is `rows` rows, or one of `pieces` of a row */
    int64_t blocks;
} sum_state;

static void axes_add(axes *a, axis d) {
    axis *last = &a->of[a->n - 1];
    a->count *= d.size;
    if (a->n && last->x == d.x * d.size && last->y == d.y * d.size)
        *last = (axis){last->size * d.size, d.x, d.y};
    else
        a->of[a->n++] = d;
}

static void plan_blocks(sum_state *s) {
    int64_t n = s->run.size, width = CT_MIN(n, TILE);
    s->tiles = s->columns ? div_up_i64(n, TILE) : 1;
    s->rows = s->columns ? CT_MAX(2 * BLOCK / width, BLOCK_ROWS) : CT_MAX(BLOCK / n, 1);
    s->pieces = s->columns ? 1 : div_up_i64(n, BLOCK);
    s->piece = s->pieces > 1 ? BLOCK : n;
    s->blocks = div_up_i64(s->reduced.count, s->rows) * s->pieces;
}

/* Which dimensions of the call are reduced, a bit each. */
static unsigned reduced_mask(const ct_call *call) {
    const ct_reduce_args *args = call->args;
    int ndim = call->in[0].ndim;
    unsigned mask = args->dim.n ? 0 : ~0u;
    for (int i = 0; i < args->dim.n; i++) mask |= 1u << (args->dim.v[i] < 0 ? args->dim.v[i] + ndim : args->dim.v[i]);
    return mask;
}

static void plan_axes(const ct_call *call, sum_state *s) {
    const ct_layout *x = &call->in[0], *y = &call->out[0];
    unsigned mask = reduced_mask(call);
    bool keepdim = y->ndim == x->ndim;
    int order[CT_MAX_DIMS], n = layout_order(x, order), place[CT_MAX_DIMS];
    for (int i = 0, at = 0; i < x->ndim; i++) place[i] = keepdim ? i : mask >> i & 1 ? -1 : at++;
    axes both = {.count = 1};
    unsigned kinds = 0; /* bit i: joined axis i is reduced */
    for (int i = 0; i < n; i++) {
        int d = order[i];
        bool reduced = mask >> d & 1;
        axis a = {x->size[d], x->stride[d], reduced ? 0 : y->stride[place[d]]};
        bool alike = both.n && (kinds >> (both.n - 1) & 1) == reduced;
        int before = both.n;
        if (alike)
            axes_add(&both, a);
        else
            both.of[both.n++] = a;
        if (both.n > before) kinds |= (unsigned)reduced << (both.n - 1);
    }
    s->run = (axis){1, 1, 1};
    if (both.n && both.of[both.n - 1].x == 1) s->run = both.of[--both.n], s->columns = !(kinds >> both.n & 1);
    s->kept.count = s->reduced.count = 1;
    for (int i = 0; i < both.n; i++) axes_add(kinds >> i & 1 ? &s->reduced : &s->kept, both.of[i]);
}

static int64_t tasks_of(const sum_state *s) { return s->kept.count * s->tiles * s->blocks; }
static int64_t parts_of(const sum_state *s) { return s->kept.count * s->blocks * (s->columns ? s->run.size : 1); }

static ct_status sum_prepare(const ct_call *call, void **state, size_t *workspace) {
    const ct_layout *x = &call->in[0];
    if (x->dtype != CT_F32 || call->out[0].dtype != CT_F32 || ct_layout_numel(x) == 0) return CT_UNSUPPORTED;
    sum_state *s = ct_alloc(1, sizeof *s);
    if (!s) return CT_NO_MEMORY;
    plan_axes(call, s);
    plan_blocks(s);
    bool scattered = s->run.size == 1 && ct_layout_numel(x) > 1;
    if (scattered || (s->columns && s->run.y != 1)) {
        ct_free(s);
        return CT_UNSUPPORTED;
    }
    *state = s;
    *workspace = s->blocks > 1 ? (size_t)(parts_of(s) + s->kept.count) * sizeof(float) : 0;
    return CT_OK;
}

static int64_t axes_at(const axes *a, int64_t i, bool of_y) {
    int64_t at = 0;
    for (int d = a->n - 1; d >= 0; i /= a->of[d--].size) at += i % a->of[d].size * (of_y ? a->of[d].y : a->of[d].x);
    return at;
}

/* acc[c] += x[r][c]: `width` columns at once, which fit the registers. */
CT_INLINE void add_columns(float *acc, const float *x, int64_t stride, int64_t rows, const int width) {
    lanes a[COLUMNS / LANES];
    CT_EACH(i, width / LANES) a[i] = lanes_load(acc + i * LANES);
    for (int64_t r = 0; r < rows; r++, x += stride)
        CT_EACH(i, width / LANES) a[i] = lanes_add(a[i], lanes_load(x + i * LANES));
    CT_EACH(i, width / LANES) lanes_store(acc + i * LANES, a[i]);
}

static void add_rows(float *acc, const float *x, int64_t stride, int64_t rows, int64_t n) {
    int64_t c = 0;
    for (; c + COLUMNS <= n; c += COLUMNS) add_columns(acc + c, x + c, stride, rows, COLUMNS);
    for (; c + LANES <= n; c += LANES) add_columns(acc + c, x + c, stride, rows, LANES);
    for (int64_t r = 0; r < rows && c < n; r++)
        for (int64_t i = c; i < n; i++) acc[i] += x[r * stride + i];
}

typedef struct sum_run {
    const sum_state *s;
    const ct_exec *exec;
    const float *x; /* NULL: the exec's head makes it */
    float *y, *part;
    _Atomic int32_t *left; /* of each kept element, blocks that are not summed */
    int64_t grain;
} sum_run;
_Static_assert(sizeof(sum_run) <= sizeof(ct_items_room), "an item's run fits");

/* `rows` rows of n from x + at on, `stride` apart, added into acc: columns, or all into one. */
static void add_range(const sum_state *s, const float *x, int64_t stride, int64_t rows, int64_t n, float *acc) {
    if (s->columns)
        add_rows(acc, x, stride, rows, n);
    else
        for (int64_t i = 0; i < rows; i++) *acc += sum_f32(x + i * stride, n);
}

/* The same of what the head makes: as many rows at once as there is room for, where they have no gaps. */
static void add_made(const sum_run *r, int64_t at, int64_t stride, int64_t rows, int64_t n, float *acc) {
    float room[BLOCK];
    for (int64_t k; rows > 0; rows -= k, at += k * stride) {
        k = stride == n ? head_rows(r->exec, n, rows) : 1;
        add_range(r->s, ct_head_read(r->exec, NULL, at, k * n, room), n, k, n, acc);
    }
}

/* A block's sum (of columns [c, c + n), if it has those) from x, or from x + at, into acc. */
static void sum_block(const sum_run *r, int64_t at, int64_t block, int64_t c, int64_t n, float *acc) {
    const sum_state *s = r->s;
    int64_t row = block / s->pieces * s->rows, end = CT_MIN(row + s->rows, s->reduced.count), piece = block % s->pieces;
    const axis *last = &s->reduced.of[CT_MAX(s->reduced.n - 1, 0)];
    int64_t size = s->reduced.n ? last->size : 1, from = piece * s->piece, width = CT_MIN(s->piece, s->run.size - from);
    memset(acc, 0, (size_t)n * sizeof *acc);
    for (int64_t rows; row < end; row += rows) {
        int64_t here = at + axes_at(&s->reduced, row, false) + (s->columns ? c : from);
        rows = CT_MIN(end - row, size - row % size);
        if (r->x)
            add_range(s, r->x + here, last->x, rows, s->columns ? n : width, acc);
        else
            add_made(r, here, last->x, rows, s->columns ? n : width, acc);
    }
}

/* Whether each result is the sum of one row, and the rows have no gaps. */
static bool are_rows(const sum_state *s) {
    return !s->columns && s->blocks == 1 && s->reduced.count == 1 && s->kept.n == 1 && s->kept.of[0].x == s->run.size;
}

/* Rows [begin, end) that the head makes, as many at once as there is room for. */
static void sum_rows(const sum_run *r, int64_t begin, int64_t end) {
    const sum_state *s = r->s;
    float room[BLOCK];
    int64_t n = s->run.size;
    for (int64_t k; begin < end; begin += k) {
        k = head_rows(r->exec, n, end - begin);
        const float *x = ct_head_read(r->exec, NULL, begin * n, k * n, room);
        for (int64_t i = 0; i < k; i++) r->y[(begin + i) * s->kept.of[0].y] = 0 + sum_f32(x + i * n, n);
    }
}

/* Adds the blocks of a kept element. */
static void join_blocks(const sum_run *run, int64_t kept) {
    const sum_state *s = run->s;
    float *y = run->y + axes_at(&s->kept, kept, true);
    int64_t n = s->columns ? s->run.size : 1;
    const float *part = run->part + kept * s->blocks * n;
    if (n == 1) {
        *y = sum_f32(part, s->blocks);
    } else {
        memset(y, 0, (size_t)n * sizeof *y);
        add_rows(y, part, n, s->blocks, n);
    }
    ct_tail_run(run->exec->tail, y, n);
}

static void sum_tasks(const sum_run *run, int64_t begin, int64_t end) {
    const sum_state *s = run->s;
    bool rows = !run->x && are_rows(s);
    if (rows) sum_rows(run, begin, end);
    for (int64_t id = begin; id < end && !rows; id++) { /* task: kept, tile, block */
        int64_t block = id % s->blocks, tile = id / s->blocks % s->tiles, kept = id / s->blocks / s->tiles;
        int64_t c = tile * TILE, width = s->columns ? s->run.size : 1, n = s->columns ? CT_MIN(width - c, TILE) : 1;
        float *acc = s->blocks > 1 ? run->part + (kept * s->blocks + block) * width + c
                                   : run->y + axes_at(&s->kept, kept, true) + c;
        sum_block(run, axes_at(&s->kept, kept, false), block, c, n, acc);
        if (s->blocks == 1 && s->tiles > 1) ct_tail_run(run->exec->tail, acc, n);
        if (s->blocks > 1 && atomic_fetch_sub(&run->left[kept], 1) == 1) join_blocks(run, kept);
    }
    int64_t width = s->columns ? s->run.size : 1;
    if (s->blocks == 1 && s->tiles == 1) ct_tail_run(run->exec->tail, run->y + begin * width, (end - begin) * width);
}

static void sum_items(void *room, int64_t begin, int64_t end) {
    const sum_run *run = room;
    const sum_state *s = run->s;
    sum_tasks(run, begin * run->grain, CT_MIN(end * run->grain, tasks_of(s)));
}

static int64_t sum_begin(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out,
                         ct_items_room *room) {
    const sum_state *s = state;
    sum_run *run = (sum_run *)room->bytes;
    int64_t rows = CT_MIN(s->rows, s->reduced.count), width = s->columns ? CT_MIN(s->run.size, TILE) : s->piece;
    *run = (sum_run){s, exec, exec->head ? NULL : in[0], out[0], exec->workspace, NULL, grain_of(rows * width)};
    if (s->blocks > 1) run->left = (_Atomic int32_t *)(run->part + parts_of(s));
    for (int64_t i = 0; run->left && i < s->kept.count; i++)
        atomic_init(&run->left[i], (int32_t)(s->blocks * s->tiles));
    (void)call;
    return div_up_i64(tasks_of(s), run->grain);
}

static void sum_run_(const ct_exec *exec, const ct_call *call, void *state, const void *const *in, void *const *out) {
    ct_items_room room;
    ct_parallel(sum_begin(exec, call, state, in, out, &room), 1, sum_items, room.bytes);
}

/* The result's elements are made in the order in which they lie. */
static bool sum_tails(const ct_call *call, void *state, size_t *workspace) {
    const sum_state *s = state;
    (void)call, (void)workspace;
    return s->kept.n == 0 || (s->kept.n == 1 && s->kept.of[0].y == (s->columns ? s->run.size : 1));
}

/* Rows that fill the room. */
static bool sum_heads(const ct_call *call, const void *state) {
    const sum_state *s = state;
    return layout_dense(&call->in[0]) && (s->columns ? CT_MIN(s->run.size, TILE) : s->piece) >= 16;
}

const ct_kernel CT_ISA_NAME(ct_cpu_sum) = {.prepare = sum_prepare,
                                           .run = sum_run_,
                                           .tails = sum_tails,
                                           .heads = sum_heads,
                                           .begin = sum_begin,
                                           .items = sum_items};
