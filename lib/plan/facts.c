/* What a launch is called, and what it takes, from its shapes. */
#include "ops/work.h"
#include "plan/program.h"
#include <stdio.h>
#include <string.h>

static void add_name(const ct_stage *item, const char *before, char *out, size_t size) {
    size_t n = strlen(out);
    snprintf(out + n, size - n, "%s%s", n ? before : "", ct_op_get(item->op)->kind.name);
    if (strlen(out) + 1 == size) memcpy(out + size - 4, "...", 4);
}

void ct_stage_name(const ct_stage *item, char *out, size_t size) {
    int n;
    const ct_stage *of = ct_stage_items(item, &n);
    *out = 0;
    for (int k = 0; k < n; k++) {
        const char *before = "|";
        for (int i = 0; i <= of[k].n_parts; i++) { /* the item's op comes after its head */
            const ct_stage *part = i == of[k].n_head ? &of[k] : &of[k].part[i - (i > of[k].n_head)];
            if (part->op != CT_CHAIN) add_name(part, before, out, size), before = "+";
        }
    }
}

/* Elements that are there: a broadcast one is one. */
static double bytes_of(const ct_use *u) {
    if (u->value < 0) return 0;
    double n = (double)ct_dtype_bytes(u->layout.dtype);
    for (int d = 0; d < u->layout.ndim; d++)
        if (u->layout.stride[d] || !u->layout.size[d]) n *= (double)u->layout.size[d];
    return n;
}

/* The value whose memory it is. */
static int place_of(const ct_program *p, const ct_use *u) {
    int joined = u->value < 0 ? -1 : p->value[u->value].joined;
    return joined >= 0 ? joined : u->value;
}

/* Of n uses, those that lie in one place are one. */
static double bytes_of_all(const ct_program *p, const ct_use *use, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        bool again = false;
        for (int k = 0; k < i; k++)
            again = again || (place_of(p, &use[k]) == place_of(p, &use[i]) && use[k].offset == use[i].offset);
        if (!again) sum += bytes_of(&use[i]);
    }
    return sum;
}

double ct_stage_bytes(const ct_program *p, const ct_stage *item) {
    return bytes_of_all(p, item->use, item->n_in) + bytes_of_all(p, item->use + item->n_in, item->n_out);
}

double ct_stage_work(const ct_stage *item) {
    ct_layout in[CT_MAX_IN], out[CT_MAX_IN];
    double sum = 0;
    for (int k = 0; item->op == CT_TOGETHER && k < item->n_parts; k++) sum += ct_stage_work(&item->part[k]);
    if (item->op == CT_TOGETHER) return sum;
    if (item->op == CT_CHAIN || item->own_in > CT_MAX_IN || item->own_out > CT_MAX_IN) return 0;
    for (int i = 0; i < item->own_in; i++) in[i] = item->use[i].layout;
    for (int i = 0; i < item->own_out; i++) out[i] = item->use[item->n_in + i].layout;
    return (double)ct_work(&(ct_call){item->op, item->own_in, item->own_out, in, out, item->args, .bf16 = item->bf16});
}
