/* Whole training runs, through a spec and the trainer's own step. */
#include "base/alloc.h"
#include "file/file.h"
#include "goldens.h"
#include "run/model.h"
#include "run/rename.h"
#include "run/step.h"
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `["cosine", {"T_max": 20}]` as the spec's schedule, moved every step. */
static void write_schedule(const char *scheduler, ct_buf *text) {
    json_t *s = json_loads(scheduler, 0, NULL);
    char *args = json_dumps(json_array_get(s, 1), JSON_COMPACT);
    if (args) ct_buf_printf(text, "schedule: {%s: %s, per: step}\n", json_string_value(json_array_get(s, 0)), args);
    free(args);
    json_decref(s);
}

/* "cross_entropy, sum": a loss and its reduction. */
static void write_loss(const char *loss, ct_buf *text) {
    int name = (int)strcspn(loss, ",");
    const char *reduction = loss + name + strspn(loss + name, ", ");
    ct_buf_printf(text, "loss: {%.*s: %s%s%s}\n", name, loss, *reduction ? "{reduction: " : "", reduction,
                  *reduction ? "}" : "");
}

/* The spec that the file's metadata describes, of a model in YAML; NULL with the reason where ours cannot say it. */
static ct_spec *make_spec(golden *g, const char *model, const char **why) {
    const char *loss = ct_safetensors_meta(g->file, "loss"), *clip = ct_safetensors_meta(g->file, "clip_grad_norm");
    const char *schedule = ct_safetensors_meta(g->file, "scheduler");
    const char *optimizer = ct_safetensors_meta(g->file, "optimizer");
    json_t *opt = optimizer ? json_loads(optimizer, 0, NULL) : NULL;
    const char *kind = json_string_value(json_object_get(opt, "opt"));
    *why = "it lacks its metadata";
    if (!loss || !kind) return NULL;
    ct_spec *spec = NULL;
    ct_buf text = CT_BUF(1 << 17);
    ct_buf_printf(&text, "%s\n", model);
    write_loss(loss, &text);
    ct_buf_printf(&text, "optimizer: {%s: ", kind);
    json_object_del(opt, "opt");
    char *args = json_dumps(opt, JSON_COMPACT);
    ct_buf_printf(&text, "%s}\n", args);
    if (schedule && strcmp(schedule, "none")) write_schedule(schedule, &text);
    if (clip && strcmp(clip, "None")) ct_buf_printf(&text, "train: {clip_grad_norm: %s}\n", clip);
    if (ct_buf_status(&text) || ct_spec_parse(g->path, text.data, text.len, NULL, &spec, NULL)) *why = ct_error();
    ct_buf_free(&text);
    free(args);
    json_decref(opt);
    return spec;
}

/* Its parameters and buffers, all of them, from the file, of which none may be left. */
static ct_status load_init(golden *g, ct_module *m, const char *table) {
    ct_names names;
    ct_rename rename = {0};
    char theirs[300];
    if (table && !access(table, F_OK)) CT_TRY(ct_rename_read(table, &rename));
    CT_TRY(ct_names_of(m, "", &names));
    ct_status status = CT_OK;
    for (int i = 0; !status && i < names.n; i++) {
        snprintf(theirs, sizeof theirs, "init.%s", ct_rename_theirs(&rename, names.of[i].name));
        status = ct_tensor_load(names.entry[i].param->tensor, theirs, g->file, g->path);
    }
    ct_rename_free(&rename);
    int theirs_n = 0;
    for (int i = 0; i < ct_safetensors_count(g->file); i++)
        theirs_n += !strncmp(ct_safetensors_name(g->file, i), "init.", 5);
    if (!status && theirs_n != names.n)
        status = ct_fail(CT_FAIL, "it has %d parameters and buffers, the spec's model %d", theirs_n, names.n);
    ct_names_free(&names);
    return status;
}

/* A tensor of the file as a field of batches: bytes are pixels. */
static bool field_of(const ct_tensor *t, const char *name, ct_field *out) {
    ct_dims d = {ct_ndim(t) - 1, {1}};
    if (ct_why(t) || ct_ndim(t) < 2) return false;
    for (int i = 1; i < d.n; i++) d.v[i] = ct_size(t, i + 1);
    *out = (ct_field){name, ct_layout_of(ct_dtype_of(t) == CT_I64 ? CT_I64 : CT_F32, d), 0};
    return true;
}

/* Row i of a tensor into a field of the step; images go channels-last, bytes divided by 255. */
static void load_field(const ct_tensor *t, int64_t i, ct_step *step, int field) {
    int64_t size = ct_numel(t) / ct_size(t, 0), B = ct_size(t, 1), C = ct_ndim(t) == 5 ? ct_size(t, 2) : 1;
    int64_t each = size / B, area = each / C;
    void *to = ct_step_field(step, field);
    for (int64_t k = 0; k < size; k++) {
        int64_t b = k / each, c = k % each / area, at = b * each + k % area * C + c;
        double v = ct_element_get(ct_dtype_of(t), ct_data(t), i * size + k);
        if (ct_dtype_of(t) == CT_I64)
            ((int64_t *)to)[k] = (int64_t)v;
        else
            ((float *)to)[at] = ct_dtype_of(t) == CT_U8 ? (float)v / 255.0f : (float)v;
    }
}

static ct_status train(golden *g, const ct_net *net, ct_optim *o, bool eager, double *worst) {
    ct_tensor *losses = ct_safetensors_get(g->file, "losses"), *x = ct_safetensors_get(g->file, "inputs");
    ct_tensor *y = ct_safetensors_get(g->file, "targets");
    const ct_schedule_use *use = &net->spec->schedule;
    ct_step *step;
    CT_TRY(ct_step_new(net, o, ct_size(x, 1), eager, &step));
    ct_status status = CT_OK;
    ct_schedule rate = {0};
    if (use->kind) rate = ct_schedule_start(use->kind, use->args, use->warmup, ct_item(ct_optim_lr(o, 0)));
    for (int64_t i = 0; !status && i < ct_numel(losses); i++) {
        if (rate.kind) *(double *)ct_data(ct_optim_lr(o, 0)) = rate.lr;
        ct_step_result r;
        load_field(x, i, step, 0), load_field(y, i, step, 1);
        status = ct_step_train(step, ct_size(x, 1), i, &r);
        if (rate.kind) ct_schedule_step(&rate, r.loss);
        double want = ct_element_get(CT_F64, ct_data(losses), i), d = fabs(r.loss - want) / fmax(fabs(want), 1e-6);
        *worst = !(d <= *worst) ? d : *worst;
    }
    ct_step_free(step);
    return status;
}

/* The spec's model on the file's fields, with its first weights; CT_FAIL where they are not the same parameters. */
static ct_status open_net(golden *g, const ct_spec *spec, const char *rename, ct_net *net) {
    ct_fields f = {.n = 2, .classes = -1};
    ct_tensor *x = ct_safetensors_get(g->file, "inputs"), *y = ct_safetensors_get(g->file, "targets");
    if (!field_of(x, "input", &f.of[0]) || !field_of(y, "target", &f.of[1]))
        return ct_fail(CT_FAIL, "its inputs and targets are no batches");
    CT_TRY(ct_net_build(spec, &f, NULL, NULL, net));
    ct_status status = load_init(g, net->module, rename);
    if (status) ct_net_free(net);
    return status;
}

static ct_status run(golden *g, const ct_spec *spec, const char *rename, bool eager, double *worst) {
    ct_net net;
    ct_optim *o = NULL;
    CT_TRY(open_net(g, spec, rename, &net));
    ct_status status = ct_run_optimizer(spec, net.module, &o);
    if (!status) status = train(g, &net, o, eager, worst);
    ct_optim_free(o);
    ct_net_free(&net);
    return status;
}

/* Size `dim` of a first weight of the file, -1 where there is none. */
static int64_t size_of(golden *g, const char *name, int dim) {
    for (int i = 0; i < ct_safetensors_count(g->file); i++) {
        const char *theirs = ct_safetensors_name(g->file, i);
        if (strncmp(theirs, "init.", 5) || strcmp(theirs + 5, name)) continue;
        const ct_tensor *t = ct_safetensors_get(g->file, theirs);
        return dim < ct_ndim(t) ? ct_size(t, dim) : -1;
    }
    return -1;
}

/* A model with its sizes: `<fc1.weight 0>` is the first one of that tensor; NULL where the file lacks it. */
static char *with_sizes(golden *g, const char *model) {
    ct_buf text = CT_BUF(1 << 17);
    int64_t size = 0;
    for (const char *at; size >= 0 && (at = strchr(model, '<')); model = strchr(at, '>') + 1) {
        char name[200];
        int dim;
        size = sscanf(at, "<%199s %d>", name, &dim) == 2 ? size_of(g, name, dim) : -1;
        ct_buf_printf(&text, "%.*s%lld", (int)(at - model), model, (long long)size);
    }
    ct_buf_printf(&text, "%s", model);
    char *whole = size < 0 || ct_buf_status(&text) ? NULL : strdup(text.data);
    ct_buf_free(&text);
    return whole;
}

/* The spec of a model in a file of `folder` whose parameters, by name and shape, are the file's; NULL: none. */
static ct_spec *find_spec(golden *g, const char *folder, char *rename, size_t size) {
    glob_t list;
    char pattern[1024];
    const char *why;
    ct_spec *spec = NULL;
    snprintf(pattern, sizeof pattern, "%s/*.yaml", folder);
    if (glob(pattern, 0, NULL, &list)) return NULL;
    for (size_t i = 0; !spec && i < list.gl_pathc; i++) {
        ct_bytes model;
        ct_net net;
        snprintf(rename, size, "%.*s.rename", (int)strlen(list.gl_pathv[i]) - 5, list.gl_pathv[i]);
        if (ct_file_read(list.gl_pathv[i], 1 << 16, &model)) continue;
        char *text = strndup((const char *)model.data, model.len), *sized = with_sizes(g, text);
        ct_bytes_free(&model);
        spec = sized ? make_spec(g, sized, &why) : NULL;
        free(text), free(sized);
        ct_status status = spec ? open_net(g, spec, rename, &net) : CT_FAIL;
        if (!status) ct_net_free(&net);
        if (status) ct_spec_free(spec), spec = NULL;
    }
    globfree(&list);
    return spec;
}

/* The spec given, or one of those beside this file that has the file's model. */
static ct_spec *choose_spec(golden *g, char *rename, size_t size) {
    ct_spec *spec = NULL;
    char *messages = NULL;
    char folder[512];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__);
    if (!g->spec) {
        if (!(spec = find_spec(g, folder, rename, size)))
            golden_skip(g, "run", "no spec in %s has its model; --spec gives one", folder);
        return spec;
    }
    snprintf(rename, size, "%s", g->rename ? g->rename : "");
    if (ct_spec_load(g->spec, NULL, &spec, &messages)) golden_fail(g, "run", "%s", messages ? messages : ct_error());
    ct_text_free(messages);
    return spec;
}

/* Define-by-run, or as a plan. */
static void run_as(golden *g, const ct_spec *spec, const char *rename, bool eager) {
    double worst = 0;
    ct_scope *scope = ct_scope_open();
    const char *name = eager ? "run" : "planned run";
    if (run(g, spec, rename, eager, &worst))
        golden_fail(g, name, "%s", ct_error());
    else if (!(worst <= 1e-4))
        golden_fail(g, name, "a loss is %.3g off, at most 1e-4", worst);
    else
        golden_pass(g);
    (void)!ct_scope_close(scope); /* an error inside was reported */
}

void golden_run(golden *g) {
    char rename[512];
    ct_spec *spec = choose_spec(g, rename, sizeof rename);
    if (!spec) return;
    /* In f32 a ReLU near 0 may fall on the other side of it, and a run then goes another way (PyTorch's own does): the
       plain kernels, which sum in f64, are what shows that the computation is the same. */
    if (ct_backend_use(g->isa ? g->isa : "ref"))
        golden_fail(g, "run", "%s", ct_error());
    else
        for (int eager = 0; eager < 2; eager++) run_as(g, spec, rename, eager);
    (void)!ct_backend_use(g->isa);
    ct_spec_free(spec);
}
