#include "run/values.h"
#include "base/alloc.h"
#include <math.h>
#include <stdio.h>

/* Losses of the distance between a prediction and what it predicts: other losses' predictions are logits, or
   parameters of a distribution. */
static bool is_distance(const ct_op *op) {
    static const int distances[] = {CT_OP_mse_loss, CT_OP_l1_loss, CT_OP_smooth_l1_loss, CT_OP_huber_loss};
    for (int i = 0; i < CT_COUNT(distances); i++)
        if (op == ct_op_get(distances[i])) return true;
    return false;
}

int ct_values_columns(const ct_net *net) {
    const ct_layout *l = net->target >= 0 ? &net->fields.of[net->target].layout : NULL;
    if (!l || l->dtype != CT_F32 || l->ndim > 2 || net->scores >= 0) return 0;
    for (int i = 0; i < net->spec->n_losses; i++)
        if (is_distance(net->spec->loss[i].op) && net->in[i][0] == net->n_values - 1 && net->in[i][1] == net->n_values)
            return (int)(l->ndim == 2 ? l->size[1] : 1);
    return 0;
}

static void add(ct_value_sum *s, double count, double said, double is) {
    double error = said - is, off = is - s->mean;
    s->absolute += fabs(error), s->squared += error * error;
    s->mean += off / count;
    s->spread += off * (is - s->mean);
}

void ct_values_add(ct_values *v, int64_t n, const float *said, const float *is) {
    for (int64_t i = 0; i < n; i++, said += v->columns, is += v->columns, v->n++)
        for (int c = 0; c < v->columns; c++) add(&v->of[c], (double)(v->n + 1), said[c], is[c]);
}

static void fill(const ct_value_sum *s, double n, ct_value_report *out) {
    out->mae = s->absolute / n, out->rmse = sqrt(s->squared / n);
    out->r2 = s->spread > 0 ? 1 - s->squared / s->spread : NAN;
}

ct_status ct_values_report(const ct_values *v, const char *name, ct_eval_report *r) {
    double mae = 0, rmse = 0, r2 = 0;
    int n_r2 = 0;
    if (!v->columns) return CT_OK;
    if (!(r->value_of = ct_alloc((size_t)v->columns, sizeof *r->value_of))) return CT_NO_MEMORY;
    for (; r->n_values < v->columns; r->n_values++) {
        ct_value_report *of = &r->value_of[r->n_values];
        fill(&v->of[r->n_values], (double)v->n, of);
        if (name)
            snprintf(of->name, sizeof of->name, "%s", name);
        else
            snprintf(of->name, sizeof of->name, "%d", r->n_values);
        mae += of->mae, rmse += of->rmse;
        if (!isnan(of->r2)) r2 += of->r2, n_r2++;
    }
    r->mae = mae / v->columns, r->rmse = rmse / v->columns, r->r2 = n_r2 ? r2 / n_r2 : NAN;
    return CT_OK;
}
