#include "run/state.h"
#include "base/alloc.h"
#include "base/buf.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The fields as rows; doubles are written in hexadecimal, so that they come back to the bit. */
static const struct {
    const char *name;
    bool is_double;
    size_t offset;
} fields[] = {
#define I(f) {#f, false, offsetof(ct_run_state, f)},
#define D(f) {#f, true, offsetof(ct_run_state, f)},
#define LOSS(i) D(tally.sum[i]) D(tally.weight[i])
    I(epoch) I(step) I(number) I(evaluated) I(evaluations) I(best_evaluation) I(tally.correct) I(tally.counted) LOSS(0)
        LOSS(1) LOSS(2) LOSS(3) LOSS(4) LOSS(5) LOSS(6) LOSS(7) I(best_epoch) I(best_step) D(best) D(best_loss)
            D(best_accuracy) D(loss) D(val_loss) D(val_accuracy) I(log_length) D(seconds) D(max_seconds) I(finished)
                I(stopped_early) I(out_of_time) I(reproducible) I(schedule_t) I(schedule_bad) I(schedule_cooldown)
                    I(schedule_drops) D(schedule_lr) D(schedule_best)
#undef I
#undef D
#undef LOSS
};

static void write_fields(const ct_run_state *s, ct_buf *out) {
    for (int i = 0; i < CT_COUNT(fields); i++) {
        const char *at = (const char *)s + fields[i].offset;
        if (fields[i].is_double)
            ct_buf_printf(out, "%s=%a\n", fields[i].name, *(const double *)at);
        else
            ct_buf_printf(out, "%s=%" PRId64 "\n", fields[i].name, *(const int64_t *)at);
    }
}

static ct_status read_fields(const char *path, const char *text, ct_run_state *s) {
    for (int i = 0; i < CT_COUNT(fields); i++) {
        char key[64];
        int n = snprintf(key, sizeof key, "%s=", fields[i].name);
        const char *at = text;
        while (at && strncmp(at, key, (size_t)n)) at = (at = strchr(at, '\n')) ? at + 1 : NULL;
        if (!at) return ct_fail(CT_BAD_DATA, "%s: is no checkpoint: it does not say '%s'", path, fields[i].name);
        char *field = (char *)s + fields[i].offset;
        if (fields[i].is_double)
            *(double *)field = strtod(at + n, NULL);
        else
            *(int64_t *)field = strtoll(at + n, NULL, 10);
    }
    if (s->epoch < 0 || s->step < 0 || s->number < 0 || s->log_length < 0)
        return ct_fail(CT_BAD_DATA, "%s: is no checkpoint: a count in it is negative", path);
    return CT_OK;
}

/* Everything with a name: the model's tensors, each trained one's optimizer state, the optimizer's count, averages. */
typedef struct all {
    ct_names model;
    ct_named *of;
    char (*text)[340];
    int n;
} all;

static void all_free(all *a) {
    ct_names_free(&a->model);
    ct_free(a->of), ct_free(a->text);
    *a = (all){0};
}

static void add(all *a, const char *kind, const char *of, const char *name, const ct_tensor *t) {
    snprintf(a->text[a->n], sizeof a->text[0], "%s.%s%s%s", kind, of, name ? "." : "", name ? name : "");
    a->of[a->n] = (ct_named){a->text[a->n], t};
    a->n++;
}

static ct_status all_of(ct_module *m, ct_optim *o, const ct_average *average, all *a) {
    *a = (all){0};
    CT_TRY(ct_names_of(m, "model.", &a->model));
    size_t room = (size_t)a->model.n * (2 + CT_MAX_STATES) + 2;
    a->of = ct_alloc(room, sizeof *a->of), a->text = ct_alloc(room, sizeof *a->text);
    if (!a->of || !a->text) {
        all_free(a);
        return CT_NO_MEMORY;
    }
    for (int i = 0; i < a->model.n; i++) a->of[a->n++] = a->model.of[i];
    for (int i = 0; i < a->model.n; i++) {
        const char *name;
        ct_tensor *t;
        for (int j = 0; (t = ct_optim_state(o, a->model.of[i].tensor, j, &name)); j++)
            add(a, "optim", a->model.entry[i].name, name, t);
        if ((t = ct_average_of(average, a->model.of[i].tensor))) add(a, "average", a->model.entry[i].name, NULL, t);
    }
    a->of[a->n++] = (ct_named){"optim.step", ct_optim_count(o)};
    if (average) a->of[a->n++] = (ct_named){"average.count", ct_average_count(average)};
    return CT_OK;
}

ct_status ct_state_save(const char *path, const ct_run_state *s, ct_module *m, ct_optim *o, const ct_average *average,
                        const char *files) {
    all a;
    CT_TRY(all_of(m, o, average, &a));
    ct_buf text = CT_BUF(1 << 16);
    write_fields(s, &text);
    ct_status status = ct_buf_status(&text);
    ct_meta meta[] = {{"format", "ctorch-state-1"}, {"state", text.data}, {"data", files}};
    if (!status) status = ct_safetensors_write(path, a.of, a.n, meta, CT_COUNT(meta));
    ct_buf_free(&text);
    all_free(&a);
    return status;
}

static ct_status open_state(const char *path, ct_safetensors **file, ct_run_state *s) {
    CT_TRY(ct_safetensors_open(path, file));
    ct_status status = ct_safetensors_verify(*file);
    const char *format = ct_safetensors_meta(*file, "format"), *text = ct_safetensors_meta(*file, "state");
    if (!status && (!format || strcmp(format, "ctorch-state-1") || !text))
        status = ct_fail(CT_BAD_DATA, "%s: is no checkpoint of ctorch", path);
    if (!status) status = read_fields(path, text, s);
    if (status) ct_safetensors_close(*file);
    return status;
}

ct_status ct_state_peek(const char *path, ct_run_state *s, char **files) {
    ct_safetensors *file;
    CT_TRY(open_state(path, &file, s));
    const char *text = ct_safetensors_meta(file, "data");
    ct_status status = files && !(*files = ct_strdup(text ? text : "")) ? CT_NO_MEMORY : CT_OK;
    ct_safetensors_close(file);
    return status;
}

ct_status ct_state_load(const char *path, ct_run_state *s, ct_module *m, ct_optim *o, const ct_average *average) {
    ct_safetensors *file;
    CT_TRY(open_state(path, &file, s));
    all a;
    ct_status status = all_of(m, o, average, &a);
    for (int i = 0; !status && i < a.n; i++)
        status = ct_tensor_load((ct_tensor *)a.of[i].tensor, a.of[i].name, file, path);
    all_free(&a);
    ct_safetensors_close(file);
    return status;
}
