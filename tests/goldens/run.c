/* Whole training runs, through a spec and the trainer's own step. */
#include "base/alloc.h"
#include "goldens.h"
#include "run/model.h"
#include "run/step.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `["cosine", {"T_max": 20}]` as the spec's schedule, moved every step. */
static void write_schedule(const char *scheduler, ct_buf *text) {
    json_t *s = json_loads(scheduler, 0, NULL);
    char *args = json_dumps(json_array_get(s, 1), JSON_COMPACT);
    if (args) ct_buf_printf(text, "schedule: {%s: %s, per: step}\n", json_string_value(json_array_get(s, 0)), args);
    free(args);
    json_decref(s);
}

/* The spec that the file's metadata describes; NULL with the reason where ours cannot say it. */
static ct_spec *make_spec(golden *g, char **messages, const char **why) {
    const char *model = ct_safetensors_meta(g->file, "model"), *loss = ct_safetensors_meta(g->file, "loss");
    const char *clip = ct_safetensors_meta(g->file, "clip_grad_norm"),
               *schedule = ct_safetensors_meta(g->file, "scheduler");
    const char *optimizer = ct_safetensors_meta(g->file, "optimizer");
    *why = "it lacks its metadata";
    json_t *opt = optimizer ? json_loads(optimizer, 0, NULL) : NULL;
    if (!model || !loss || !opt) return NULL;
    char *list = golden_model(model, why), name[64];
    snprintf(name, sizeof name, "%s", json_string_value(json_object_get(opt, "opt")));
    json_object_del(opt, "opt");
    char *args = json_dumps(opt, JSON_COMPACT);
    json_decref(opt);
    ct_spec *spec = NULL;
    if (list) {
        ct_buf text = CT_BUF(1 << 17);
        ct_buf_printf(&text, "model: %s\nloss: %.*s\noptimizer: {%s: %s}\n", list, (int)strcspn(loss, ","), loss, name,
                      args);
        if (schedule && strcmp(schedule, "none")) write_schedule(schedule, &text);
        if (clip && strcmp(clip, "None")) ct_buf_printf(&text, "train: {clip_grad_norm: %s}\n", clip);
        if (ct_buf_status(&text) || ct_spec_parse(g->path, text.data, text.len, NULL, &spec, messages))
            *why = ct_error();
        ct_buf_free(&text);
    }
    ct_free(list), free(args);
    return spec;
}

/* What the file calls our parameter `name`: by the rename table, else the same. */
static const char *their_name(const char *table, const char *name, char *out, size_t size) {
    char line[512], theirs[256], ours[256];
    FILE *f = table ? fopen(table, "r") : NULL;
    snprintf(out, size, "init.%s", name);
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "%255s %255s", theirs, ours) == 2 && !strcmp(ours, name))
            snprintf(out, size, "init.%s", theirs);
    if (f) fclose(f);
    return out;
}

static ct_status load_init(golden *g, ct_module *m) {
    ct_names names;
    char theirs[300];
    CT_TRY(ct_names_of(m, "", &names));
    ct_status status = CT_OK;
    for (int i = 0; !status && i < names.n; i++)
        status = ct_tensor_load(names.entry[i].param->tensor,
                                their_name(g->rename, names.of[i].name, theirs, sizeof theirs), g->file, g->path);
    ct_names_free(&names);
    return status;
}

/* Step i's batch into the step, as channels-last floats. */
static void load_batch(golden *g, int64_t i, ct_step *step, int64_t *B) {
    ct_tensor *x = ct_safetensors_get(g->file, "inputs"), *y = ct_safetensors_get(g->file, "targets");
    *B = ct_size(x, 1);
    int64_t size = ct_numel(x) / ct_size(x, 0) / *B, C = ct_ndim(x) == 5 ? ct_size(x, 2) : 1, area = size / C;
    const unsigned char *from = (const unsigned char *)ct_data(x) + i * *B * size;
    float *to = ct_step_input(step);
    for (int64_t b = 0; b < *B; b++)
        for (int64_t c = 0; c < C; c++)
            for (int64_t k = 0; k < area; k++) to[b * size + k * C + c] = (float)from[b * size + c * area + k] / 255;
    memcpy(ct_step_labels(step), (const int64_t *)ct_data(y) + i * *B, (size_t)*B * sizeof(int64_t));
}

static ct_status train(golden *g, const ct_spec *spec, ct_module *m, ct_optim *o, const ct_layout *input, int classes,
                       double *worst) {
    ct_tensor *losses = ct_safetensors_get(g->file, "losses"), *x = ct_safetensors_get(g->file, "inputs");
    ct_step *step;
    CT_TRY(ct_step_new(spec, m, o, input, classes, ct_size(x, 1), false, &step));
    ct_status status = CT_OK;
    ct_schedule rate = {0};
    if (spec->schedule) rate = ct_schedule_start(spec->schedule, spec->schedule_args, ct_item(ct_optim_lr(o, 0)));
    for (int64_t i = 0; !status && i < ct_numel(losses); i++) {
        if (rate.kind) *(double *)ct_data(ct_optim_lr(o, 0)) = rate.lr;
        int64_t B;
        ct_step_result r;
        load_batch(g, i, step, &B);
        status = ct_step_train(step, B, i, &r);
        if (rate.kind) ct_schedule_step(&rate, r.loss);
        double want = ct_element_get(CT_F64, ct_data(losses), i), d = fabs(r.loss - want) / fmax(fabs(want), 1e-6);
        *worst = !(d <= *worst) ? d : *worst;
    }
    ct_step_free(step);
    return status;
}

static ct_status build(golden *g, const ct_spec *spec, const char **why, double *worst) {
    ct_tensor *x = ct_safetensors_get(g->file, "inputs");
    if (ct_why(x) || ct_dtype_of(x) != CT_U8) return ct_fail(CT_FAIL, "inputs are no bytes");
    ct_dims d = {ct_ndim(x) - 1, {1}};
    for (int i = 1; i < d.n; i++) d.v[i] = ct_size(x, i + 1);
    ct_layout input = ct_layout_of(CT_F32, d), result;
    ct_module *m = ct_model_build(spec->doc, &spec->model, 0, &input, &result, NULL, NULL);
    if (!m) return ct_diag_status(spec->doc);
    ct_status status = load_init(g, m);
    ct_optim *o = NULL;
    if (!status) status = ct_run_optimizer(spec, m, &o);
    if (!status) status = train(g, spec, m, o, &input, (int)result.size[1], worst);
    *why = status ? ct_error() : "";
    ct_optim_free(o);
    ct_module_free(m);
    return status;
}

void golden_run(golden *g) {
    const char *why;
    char *messages = NULL;
    double worst = 0;
    ct_spec *spec = NULL;
    if (!g->spec)
        spec = make_spec(g, &messages, &why);
    else if (ct_spec_load(g->spec, NULL, &spec, &messages))
        golden_fail(g, "run", "%s", messages ? messages : ct_error());
    if (!spec && !g->spec)
        golden_skip(g, "run", "%s", why);
    else if (spec && build(g, spec, &why, &worst))
        golden_fail(g, "run", "%s", why);
    else if (spec && !(worst <= 1e-4))
        golden_fail(g, "run", "a loss is %.3g off, at most 1e-4", worst);
    else if (spec)
        golden_pass(g);
    ct_text_free(messages);
    ct_spec_free(spec);
}
