#include "kernels/chain.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include <string.h>

#define SCRATCH 24576 /* bytes of a thread's tiles, of a first-level cache of 32 KiB and more */
#define LEAST 64      /* elements of a tile */
#define MOST 2048

typedef enum reach { FLAT, SCALAR, GATHERED } reach; /* as the space lies; one element; by a walk, into a tile */

typedef struct operand {
    reach reach;
    size_t bytes;
    int tile; /* GATHERED: which */
    int ndim;
    int64_t size[CT_MAX_DIMS], stride[CT_MAX_DIMS]; /* of its walk, dimensions joined */
} operand;

typedef struct part {
    ct_chain_part of;
    int tile; /* where its result goes, unless that is an operand */
} part;

struct ct_chain {
    int64_t numel, tile; /* elements: all, of a tile */
    size_t tile_bytes;
    int n_parts, n_gathered;
    int gathered[CT_CHAIN_OPERANDS];
    operand operand[CT_CHAIN_OPERANDS];
    part part[CT_CHAIN_PARTS];
};

const size_t ct_chain_bytes = sizeof(ct_chain);

/* How operand l is reached when the space is walked in memory's order: `order` has its dimensions, outermost first. */
static operand operand_of(const ct_layout *l, const ct_layout *space, const int *order, int n) {
    operand o = {.reach = FLAT, .bytes = ct_dtype_bytes(l->dtype)};
    bool one = true;
    for (int i = 0; i < n; i++) {
        int k = order[i] - (space->ndim - l->ndim);
        int64_t size = space->size[order[i]], stride = k < 0 || l->size[k] == 1 ? 0 : l->stride[k];
        one &= stride == 0;
        if (stride != space->stride[order[i]]) o.reach = GATHERED;
        if (o.ndim && o.stride[o.ndim - 1] == stride * size)
            o.size[o.ndim - 1] *= size, o.stride[o.ndim - 1] = stride;
        else
            o.size[o.ndim] = size, o.stride[o.ndim++] = stride;
    }
    if (one && n) o.reach = SCALAR;
    return o;
}

static int order_of(const ct_layout *l, int order[CT_MAX_DIMS]) {
    int n = 0;
    for (int d = 0; d < l->ndim; d++) {
        if (l->size[d] == 1) continue;
        int k = n++;
        for (; k > 0 && l->stride[order[k - 1]] < l->stride[d]; k--) order[k] = order[k - 1];
        order[k] = d;
    }
    return n;
}

/* The tile of a result is free again after the last part that reads it; returns how many there are at once. */
static int assign_tiles(ct_chain *c) {
    int last[CT_CHAIN_PARTS], holder[CT_CHAIN_PARTS], n = 0; /* holder: the part whose result a tile holds, or -1 */
    for (int p = 0; p < c->n_parts; p++) {
        last[p] = p;
        for (int i = 0; i < c->part[p].of.n_in; i++) {
            int in = c->part[p].of.in[i];
            if (in < 0 && in != CT_ABSENT) last[-1 - in] = p;
        }
    }
    for (int p = 0; p < c->n_parts; p++) {
        if (c->part[p].of.out >= 0) continue;
        int t = 0;
        while (t < n && holder[t] >= 0 && last[holder[t]] >= p) t++;
        holder[t] = p, n = CT_MAX(n, t + 1);
        c->part[p].tile = c->n_gathered + t;
    }
    return c->n_gathered + n;
}

ct_status ct_chain_new(const ct_layout *space, const ct_layout *layout, int n_operands, const ct_chain_part *parts,
                       int n_parts, ct_chain **out) {
    ct_chain *c = ct_alloc(1, sizeof *c);
    if (!c) return CT_NO_MEMORY;
    size_t widest = 1;
    int order[CT_MAX_DIMS], n = order_of(space, order);
    c->numel = ct_layout_numel(space), c->n_parts = n_parts;
    bool read[CT_CHAIN_OPERANDS] = {false};
    for (int p = 0; p < n_parts; p++)
        for (int i = 0; i < parts[p].n_in; i++)
            if (parts[p].in[i] >= 0) read[parts[p].in[i]] = true;
    for (int i = 0; i < n_operands; i++) {
        if (!read[i]) continue;
        c->operand[i] = operand_of(&layout[i], space, order, n);
        widest = CT_MAX(widest, c->operand[i].bytes);
        if (c->operand[i].reach == GATHERED) c->operand[i].tile = c->n_gathered, c->gathered[c->n_gathered++] = i;
    }
    for (int p = 0; p < n_parts; p++) {
        c->part[p].of = parts[p];
        widest = CT_MAX(widest, ct_dtype_bytes(parts[p].dtype));
    }
    size_t tiles = (size_t)CT_MAX(assign_tiles(c), 1);
    c->tile = CT_MIN(CT_MAX((int64_t)(SCRATCH / (tiles * widest)) / LEAST * LEAST, LEAST), MOST);
    c->tile_bytes = (size_t)c->tile * widest;
    *out = c;
    return CT_OK;
}

/* ---- running ---- */

#define GATHER(T)                                                             \
    static void gather_##T(T *to, const T *from, int64_t stride, int64_t n) { \
        for (int64_t i = 0; i < n; i++) to[i] = from[i * stride];             \
    }
GATHER(uint8_t)
GATHER(uint16_t)
GATHER(uint32_t)
GATHER(uint64_t)

static void gather_run(size_t bytes, char *to, const char *from, int64_t stride, int64_t n) {
    if (stride == 1)
        memcpy(to, from, (size_t)n * bytes);
    else if (bytes == 1)
        gather_uint8_t((uint8_t *)to, (const uint8_t *)from, stride, n);
    else if (bytes == 2)
        gather_uint16_t((uint16_t *)to, (const uint16_t *)from, stride, n);
    else if (bytes == 4)
        gather_uint32_t((uint32_t *)to, (const uint32_t *)from, stride, n);
    else
        gather_uint64_t((uint64_t *)to, (const uint64_t *)from, stride, n);
}

/* Elements [begin, begin + n) of the space, of an operand that lies otherwise. */
static void gather(const operand *o, const char *from, int64_t begin, int64_t n, char *to) {
    int inner = o->ndim - 1;
    for (int64_t done = 0; done < n;) {
        int64_t rest = begin + done, at = 0, run = CT_MIN(o->size[inner] - rest % o->size[inner], n - done);
        for (int d = inner; d >= 0; rest /= o->size[d--]) at += rest % o->size[d] * o->stride[d];
        gather_run(o->bytes, to, from + at * (int64_t)o->bytes, o->stride[inner], run);
        to += run * (int64_t)o->bytes, done += run;
    }
}

static const double nothing; /* what an absent input points at */

static void run_part(const ct_chain *c, const part *p, void *const *at, int64_t begin, int64_t n, char *scratch) {
    const void *in[CT_POINTWISE_IN];
    int64_t stride[CT_POINTWISE_IN];
    for (int i = 0; i < p->of.n_in; i++) {
        int k = p->of.in[i];
        const operand *o = k < 0 ? NULL : &c->operand[k];
        stride[i] = 1;
        if (k == CT_ABSENT)
            in[i] = &nothing, stride[i] = 0;
        else if (!o && c->part[-1 - k].of.out < 0)
            in[i] = scratch + (size_t)c->part[-1 - k].tile * c->tile_bytes;
        else if (!o) {
            const ct_chain_part *from = &c->part[-1 - k].of;
            in[i] = (char *)at[from->out] + begin * (int64_t)ct_dtype_bytes(from->dtype);
        } else if (o->reach == GATHERED)
            in[i] = scratch + (size_t)o->tile * c->tile_bytes;
        else
            in[i] = (char *)at[k] + (o->reach == FLAT ? begin * (int64_t)o->bytes : 0), stride[i] = o->reach == FLAT;
    }
    char *out = p->of.out < 0 ? scratch + (size_t)p->tile * c->tile_bytes
                              : (char *)at[p->of.out] + begin * (int64_t)ct_dtype_bytes(p->of.dtype);
    p->of.row(n, in, stride, out, 1, p->of.args);
}

void ct_chain_range(const ct_chain *c, void *const *at, int64_t begin, int64_t end) {
    _Alignas(64) char scratch[CT_MAX(SCRATCH, (CT_CHAIN_PARTS + CT_CHAIN_OPERANDS) * LEAST * sizeof(double))];
    for (int64_t n; begin < end; begin += n) {
        n = CT_MIN(c->tile, end - begin);
        for (int i = 0; i < c->n_gathered; i++) {
            const operand *o = &c->operand[c->gathered[i]];
            gather(o, at[c->gathered[i]], begin, n, scratch + (size_t)o->tile * c->tile_bytes);
        }
        for (int p = 0; p < c->n_parts; p++) run_part(c, &c->part[p], at, begin, n, scratch);
    }
}

typedef struct job {
    const ct_chain *c;
    void *const *at;
} job;

static void run_range(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    ct_chain_range(j->c, j->at, begin, end);
}

void ct_chain_run(const ct_chain *c, void *const *at) {
    int64_t grain = CT_MAX((1 << 15) / c->n_parts, 1 << 12); /* a part costs about what an op alone does */
    ct_parallel(c->numel, (grain + c->tile - 1) / c->tile * c->tile, run_range, &(job){c, at});
}
