#include "kernels/chain.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include <string.h>
#include <wchar.h>

#define SCRATCH 24576 /* bytes of a thread's tiles, of a first-level cache of 32 KiB and more */
#define LEAST 16      /* elements of a tile: so few that any chain's fit */
#define MOST 2048

typedef enum reach { FLAT, SCALAR, GATHERED } reach; /* as the space lies; one element; by a walk, into a tile */

/* How an address is read. */
typedef struct operand {
    reach reach;
    int address;
    size_t bytes;
    int tile;     /* GATHERED: which */
    bool repeats; /* after a tile it begins again */
    int ndim;
    int64_t size[CT_MAX_DIMS], stride[CT_MAX_DIMS]; /* of its walk, dimensions joined */
} operand;

typedef struct part {
    ct_row_fn row;
    const void *args;
    int n_in, in[CT_POINTWISE_IN]; /* an operand, -1 - i: part i, or CT_ABSENT */
    int out, tile;                 /* its address, or the tile of what has none */
    int stream;                    /* in[1] is as this address has it; -1: as any other */
    size_t bytes;
} part;

struct ct_chain {
    int64_t numel, tile; /* elements: all, of a tile */
    size_t tile_bytes;
    int n_parts, n_operands, n_gathered;
    part part[CT_CHAIN_PARTS];
    operand operand[];
};

/* The space's dimensions, outermost in memory first; how many. */
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

static operand operand_of(const ct_layout *l, const ct_layout *space) {
    operand o = {.reach = FLAT, .bytes = ct_dtype_bytes(l->dtype)};
    int order[CT_MAX_DIMS], n = order_of(space, order);
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

bool ct_chain_flat(const ct_layout *l, const ct_layout *space) { return operand_of(l, space).reach == FLAT; }

/* The number of an operand that is read so: one that is there, or a new one. */
static int add_operand(ct_chain *c, const operand *o) {
    for (int i = 0; i < c->n_operands; i++) {
        operand same = *o;
        same.tile = c->operand[i].tile;
        if (!memcmp(&same, &c->operand[i], sizeof same)) return i;
    }
    c->operand[c->n_operands] = *o;
    if (o->reach == GATHERED) c->operand[c->n_operands].tile = c->n_gathered++;
    return c->n_operands++;
}

static void add_part(ct_chain *c, const ct_chain_part *from) {
    part *p = &c->part[c->n_parts++];
    *p = (part){.row = from->row, .args = from->args, .n_in = from->n_in, .out = from->out, .stream = from->stream};
    p->bytes = ct_dtype_bytes(from->space.dtype);
    for (int i = 0; i < p->n_in; i++) {
        p->in[i] = from->in[i];
        if (from->in[i] < 0) continue;
        operand o;
        memset(&o, 0, sizeof o); /* the gaps too: operands are compared */
        operand made = operand_of(&from->layout[i], &from->space);
        o.reach = made.reach, o.address = from->in[i], o.bytes = made.bytes, o.ndim = made.ndim;
        memcpy(o.size, made.size, sizeof o.size), memcpy(o.stride, made.stride, sizeof o.stride);
        p->in[i] = add_operand(c, &o);
    }
}

/* The tile of a result is free again after the last part that reads it; returns how many there are at once. */
static int assign_tiles(ct_chain *c) {
    int last[CT_CHAIN_PARTS], holder[CT_CHAIN_PARTS], n = 0; /* holder: the part whose result a tile holds */
    for (int p = 0; p < c->n_parts; p++) {
        last[p] = p;
        for (int i = 0; i < c->part[p].n_in; i++) {
            int in = c->part[p].in[i];
            if (in < 0 && in != CT_ABSENT) last[-1 - in] = p;
        }
    }
    for (int p = 0; p < c->n_parts; p++) {
        if (c->part[p].out >= 0) continue;
        int t = 0;
        while (t < n && last[holder[t]] >= p) t++;
        holder[t] = p, n = CT_MAX(n, t + 1);
        c->part[p].tile = c->n_gathered + t;
    }
    return c->n_gathered + n;
}

/* After how many elements a walk begins again: all that is outside is a repetition. 0: never. */
static int64_t period(const operand *o) { return o->ndim == 2 && o->stride[0] == 0 ? o->size[1] : 0; }

/* The tile becomes a multiple of the first period that it can hold, which then serves all tiles of a range. */
static void fit_tile(ct_chain *c) {
    int64_t of = 0;
    for (int i = 0; i < c->n_operands && !of; i++) {
        int64_t p = c->operand[i].reach == GATHERED ? period(&c->operand[i]) : 0;
        if (p && p <= c->tile) of = p, c->tile = c->tile / p * p;
    }
    for (int i = 0; i < c->n_operands && of; i++) {
        int64_t p = period(&c->operand[i]);
        c->operand[i].repeats = p && c->tile % p == 0;
    }
}

ct_status ct_chain_new(const ct_chain_part *parts, int n_parts, ct_chain **out) {
    size_t most = 0, widest = 1;
    for (int p = 0; p < n_parts; p++) most += (size_t)parts[p].n_in;
    ct_chain *c = ct_alloc(1, sizeof *c + most * sizeof *c->operand);
    if (!c) return CT_NO_MEMORY;
    c->numel = ct_layout_numel(&parts[0].space);
    for (int p = 0; p < n_parts; p++) add_part(c, &parts[p]);
    for (int i = 0; i < c->n_operands; i++) widest = CT_MAX(widest, c->operand[i].bytes);
    for (int p = 0; p < n_parts; p++) widest = CT_MAX(widest, c->part[p].bytes);
    size_t tiles = (size_t)CT_MAX(assign_tiles(c), 1);
    c->tile = CT_MIN(CT_MAX((int64_t)(SCRATCH / (tiles * widest)) / LEAST * LEAST, LEAST), MOST);
    fit_tile(c);
    c->tile_bytes = (size_t)c->tile * widest;
    *out = c;
    return CT_OK;
}

int ct_chain_reads(const ct_chain *c, void *const *at, int n, int most, const float **reads) {
    int k = 0;
    for (const operand *o = c->operand; o < c->operand + c->n_operands && k < most; o++)
        if (o->reach == FLAT && o->bytes == sizeof **reads && o->address < n) reads[k++] = at[o->address];
    return k;
}

size_t ct_chain_bytes(const ct_chain *c) { return sizeof *c + (size_t)c->n_operands * sizeof *c->operand; }

/* ---- running ---- */

#define GATHER(T)                                                             \
    static void gather_##T(T *to, const T *from, int64_t stride, int64_t n) { \
        for (int64_t i = 0; i < n; i++) to[i] = from[i * stride];             \
    }
GATHER(uint8_t)
GATHER(uint16_t)
GATHER(uint32_t)
GATHER(uint64_t)

/* This file is compiled for any processor; libc's fills are chosen for this one. */
static void gather_run(size_t bytes, char *to, const char *from, int64_t stride, int64_t n) {
    if (stride == 1)
        memcpy(to, from, (size_t)n * bytes);
    else if (stride == 0 && bytes == sizeof(wchar_t))
        wmemset((wchar_t *)to, *(const wchar_t *)from, (size_t)n);
    else if (stride == 0 && bytes == 1)
        memset(to, *from, (size_t)n);
    else if (bytes == 1)
        gather_uint8_t((uint8_t *)to, (const uint8_t *)from, stride, n);
    else if (bytes == 2)
        gather_uint16_t((uint16_t *)to, (const uint16_t *)from, stride, n);
    else if (bytes == 4)
        gather_uint32_t((uint32_t *)to, (const uint32_t *)from, stride, n);
    else
        gather_uint64_t((uint64_t *)to, (const uint64_t *)from, stride, n);
}

/* Elements [begin, begin + n) of the space, of an operand that lies otherwise: a run of its innermost dimension at a
   time. */
static void gather(const operand *o, const char *from, int64_t begin, int64_t n, char *to) {
    int inner = o->ndim - 1;
    int64_t index[CT_MAX_DIMS], at = 0;
    for (int d = inner; d >= 0; begin /= o->size[d--]) {
        index[d] = begin % o->size[d];
        at += index[d] * o->stride[d];
    }
    for (int64_t run; n > 0; n -= run, to += run * (int64_t)o->bytes) {
        run = CT_MIN(o->size[inner] - index[inner], n);
        gather_run(o->bytes, to, from + at * (int64_t)o->bytes, o->stride[inner], run);
        at -= index[inner] * o->stride[inner], index[inner] = 0;
        for (int d = inner - 1; d >= 0; d--) { /* the next run's */
            at += o->stride[d];
            if (++index[d] < o->size[d]) break;
            at -= o->size[d] * o->stride[d], index[d] = 0;
        }
    }
}

/* The same; what begins again is gathered once, then copied from there, twice as much each time. */
static void gather_tile(const operand *o, const char *from, int64_t begin, int64_t n, char *to) {
    int64_t p = period(o), done = p ? CT_MIN(p, n) : n;
    gather(o, from, begin, done, to);
    for (int64_t more; done < n; done += more) {
        more = CT_MIN(done, n - done);
        memcpy(to + done * (int64_t)o->bytes, to, (size_t)more * o->bytes);
    }
}

static const double nothing; /* what an absent input points at */

static const void *input_of(const ct_chain *c, int k, void *const *at, int64_t begin, char *scratch, int64_t *stride) {
    *stride = 1;
    if (k == CT_ABSENT) {
        *stride = 0;
        return &nothing;
    }
    if (k < 0) {
        const part *p = &c->part[-1 - k];
        return p->out < 0 ? scratch + (size_t)p->tile * c->tile_bytes : (char *)at[p->out] + begin * (int64_t)p->bytes;
    }
    const operand *o = &c->operand[k];
    if (o->reach == GATHERED) return scratch + (size_t)o->tile * c->tile_bytes;
    if (o->reach == FLAT) return (char *)at[o->address] + begin * (int64_t)o->bytes;
    *stride = 0;
    return at[o->address];
}

/* first: of a range; what repeats from tile to tile is there from then on. */
static void run_tile(const ct_chain *c, void *const *at, int64_t begin, int64_t n, bool first, char *scratch) {
    for (int i = 0; i < c->n_operands; i++) {
        const operand *o = &c->operand[i];
        if (o->reach == GATHERED && (first || !o->repeats))
            gather_tile(o, at[o->address], begin, n, scratch + (size_t)o->tile * c->tile_bytes);
    }
    for (int i = 0; i < c->n_parts; i++) {
        const part *p = &c->part[i];
        const void *in[CT_POINTWISE_IN];
        int64_t stride[CT_POINTWISE_IN];
        for (int k = 0; k < p->n_in; k++) in[k] = input_of(c, p->in[k], at, begin, scratch, &stride[k]);
        if (p->stream >= 0) in[1] = at[p->stream], stride[1] = begin;
        char *out =
            p->out < 0 ? scratch + (size_t)p->tile * c->tile_bytes : (char *)at[p->out] + begin * (int64_t)p->bytes;
        p->row(n, in, stride, out, 1, p->args);
    }
}

void ct_chain_range(const ct_chain *c, void *const *at, int64_t begin, int64_t end) {
    _Alignas(64) char scratch[SCRATCH];
    for (int64_t from = begin; from < end; from += c->tile)
        run_tile(c, at, from, CT_MIN(c->tile, end - from), from == begin, scratch);
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
