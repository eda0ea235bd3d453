/* A C program's schedules. */
#include "base/alloc.h"
#include "file/safetensors.h"
#include "optim/optim.h"
#include "spec/schedule.h"
#include "tensor/scope.h"
#include <string.h>

struct ct_lr_scheduler {
    ct_doc *doc; /* the settings lie in it */
    ct_optim *optim;
    ct_schedule *group; /* one for each of the optimizer's groups when it was opened */
    int n;
};

static void set_rates(ct_lr_scheduler *s) {
    for (int i = 0; i < s->n; i++) {
        const ct_schedule *c = &s->group[i];
        *(double *)ct_data(ct_optim_lr(s->optim, i)) = ct_schedule_rate(c, c->base);
    }
}

static ct_status open_scheduler(ct_lr_scheduler *s, const char *text) {
    ct_yaml *root;
    ct_schedule_use use;
    if (!(s->doc = ct_doc_new())) return CT_NO_MEMORY;
    CT_TRY(ct_doc_parse(s->doc, "schedule", text, strlen(text), &root));
    ct_schedule_read(s->doc, root, ct_scheduler_beside, &use);
    CT_TRY(ct_diag_status(s->doc));
    s->n = ct_optim_groups(s->optim);
    if (!use.kind || !(s->group = ct_alloc((size_t)s->n, sizeof *s->group))) return CT_NO_MEMORY;
    for (int i = 0; i < s->n; i++)
        s->group[i] = ct_schedule_start(use.kind, use.args, use.warmup, ct_item(ct_optim_lr(s->optim, i)));
    set_rates(s);
    return CT_OK;
}

ct_lr_scheduler *ct_lr_scheduler_open(const char *schedule, ct_optim *o) {
    ct_lr_scheduler *s = o ? ct_alloc(1, sizeof *s) : NULL;
    ct_status status = o ? CT_NO_MEMORY : ct_fail(CT_FAIL, "schedule: there is no optimizer");
    if (s) s->optim = o, status = open_scheduler(s, schedule);
    if (!status) return s;
    ct_lr_scheduler_free(s);
    ct_scope_note(status);
    return NULL;
}

void ct_lr_scheduler_step(ct_lr_scheduler *s, double metric) {
    for (int i = 0; s && i < s->n; i++) ct_schedule_step(&s->group[i], metric);
    if (s) set_rates(s);
}

/* ---- its state as a file: a row a group ---- */
enum { N_FLOATS = 5, N_COUNTS = 3, N_NUMBERS = N_FLOATS + N_COUNTS };

static void put(const ct_schedule *c, double *row) {
    const double all[] = {c->base, c->lr,        c->line[0],     c->line[1],
                          c->best, (double)c->t, (double)c->bad, (double)c->cooldown};
    memcpy(row, all, sizeof all);
}

static void take(ct_schedule *c, const double *row) {
    c->base = row[0], c->lr = row[1], c->line[0] = row[2], c->line[1] = row[3], c->best = row[4];
    c->t = (int64_t)row[5], c->bad = (int64_t)row[6], c->cooldown = (int64_t)row[7];
}

ct_status ct_lr_scheduler_save(const ct_lr_scheduler *s, const char *path) {
    if (!s) return ct_fail(CT_FAIL, "%s: there is no scheduler to save", path);
    ct_scope *scope = ct_scope_open();
    if (!scope) return CT_NO_MEMORY;
    ct_tensor *t = ct_zeros(CT_F64, CT_DIMS(s->n, N_NUMBERS));
    for (int i = 0; !ct_why(t) && i < s->n; i++) put(&s->group[i], (double *)ct_data(t) + i * N_NUMBERS);
    ct_status status = ct_why(t) ? CT_OK : ct_safetensors_write(path, &(ct_named){"schedule", t}, 1, NULL, 0);
    ct_status closed = ct_scope_close(scope);
    return status ? status : closed;
}

/* `rows` as the file has them into the groups, all of them or none. */
static ct_status restore(ct_lr_scheduler *s, ct_tensor *rows, const char *path) {
    if (ct_why(rows)) return rows->status;
    if (ct_dtype_of(rows) != CT_F64 || ct_ndim(rows) != 2 || ct_size(rows, 0) != s->n || ct_size(rows, 1) != N_NUMBERS)
        return ct_fail(CT_BAD_DATA, "%s: is no state of a scheduler of %d groups", path, s->n);
    const double *row = ct_data(rows);
    for (int64_t i = 0; i < s->n * (int64_t)N_NUMBERS; i++)
        if (i % N_NUMBERS >= N_FLOATS && !(row[i] >= 0 && row[i] < 0x1p53))
            return ct_fail(CT_BAD_DATA, "%s: a count of steps in it is %g", path, row[i]);
    for (int i = 0; i < s->n; i++) take(&s->group[i], row + i * N_NUMBERS);
    set_rates(s);
    return CT_OK;
}

ct_status ct_lr_scheduler_load(ct_lr_scheduler *s, const char *path) {
    ct_safetensors *file;
    if (!s) return ct_fail(CT_FAIL, "%s: there is no scheduler to load it into", path);
    CT_TRY(ct_safetensors_open(path, &file));
    ct_scope *scope = ct_scope_open();
    ct_status status = scope ? ct_safetensors_verify(file) : CT_NO_MEMORY;
    if (!status) status = restore(s, ct_safetensors_get(file, "schedule"), path);
    ct_status closed = scope ? ct_scope_close(scope) : CT_OK;
    ct_safetensors_close(file);
    return status ? status : closed;
}

void ct_lr_scheduler_free(ct_lr_scheduler *s) {
    if (!s) return;
    ct_doc_free(s->doc);
    ct_free(s->group), ct_free(s);
}
