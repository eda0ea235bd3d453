/* ctorch predict: what a model says of PNG files, or of the rows of tables. */
#include "cmd/cmd.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64
#define BATCH_BYTES ((size_t)64 << 20) /* of pixels, where images are large */

typedef struct args {
    const char *output;
    int64_t top;
    bool json;
    ct_machine machine;
} args;

#define AT(field) offsetof(args, field)
static const ct_option options[] = {
    {"top", 0, "K", CT_OPTION_INT, AT(top), "name the K most probable classes, not one", 1, 1000},
    {"output", 'o', "DIR", CT_OPTION_TEXT, AT(output), "where masks go, of a model that gives a class for each pixel",
     0, 0},
    {"json", 0, NULL, CT_OPTION_FLAG, AT(json), "print a JSON object a file", 0, 0},
    CT_MACHINE_OPTIONS(args),
    {0}};

/* Images on their way: read one by one, classified together, printed in order. */
typedef struct work {
    ct_model *model;
    int classes, top;
    bool json;
    ct_image_args image;
    size_t bytes, n, room; /* of an image; images in the batch, and how many fit */
    unsigned char *pixels;
    char **name;
    float *probability;
    ct_masks *masks; /* of a model of masks, which has no probabilities; else NULL */
    int *order;
    ct_status worst; /* of the files that were left out */
} work;

/* ---- one result ---- */

/* The `top` most probable classes first, equals in their order. */
static void rank(work *w, const float *p) {
    for (int i = 0; i < w->classes; i++) {
        int at = i < w->top ? i : w->top;
        while (at > 0 && p[w->order[at - 1]] < p[i]) {
            if (at < w->top) w->order[at] = w->order[at - 1];
            at--;
        }
        if (at < w->top) w->order[at] = i;
    }
}

static void print_text(const work *w, const char *name, const float *p) {
    ct_say_text(stdout, name, -1);
    for (int i = 0; i < w->top; i++) {
        putchar('\t');
        ct_say_text(stdout, ct_model_class(w->model, w->order[i]), -1);
        printf("\t%.4f", (double)p[w->order[i]]);
    }
    putchar('\n');
}

static void json_class(ct_json *j, const work *w, int class, const float *p) {
    ct_json_text(j, "class", ct_model_class(w->model, class));
    ct_json_number(j, "probability", (double)p[class]);
}

static void print_json(const work *w, const char *name, const float *p) {
    ct_json j = {0};
    ct_json_open(&j, NULL, '{');
    ct_json_text(&j, "file", name);
    json_class(&j, w, w->order[0], p);
    ct_json_open(&j, "top", '[');
    for (int i = 0; i < w->top; i++) {
        ct_json_open(&j, NULL, '{');
        json_class(&j, w, w->order[i], p);
        ct_json_close(&j, '}');
    }
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
}

/* Of a model without classes. */
static void print_values(const work *w, const char *name, const float *value, int n) {
    ct_json j = {0};
    if (!w->json) ct_say_text(stdout, name, -1);
    for (int i = 0; !w->json && i < n; i++) printf("\t%.7g", (double)value[i]);
    if (!w->json) {
        putchar('\n');
        return;
    }
    ct_json_open(&j, NULL, '{');
    ct_json_text(&j, "file", name);
    ct_json_open(&j, "values", '[');
    for (int i = 0; i < n; i++) ct_json_number(&j, NULL, (double)value[i]);
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
}

static void print(work *w, const char *name, const float *p) {
    rank(w, p);
    (w->json ? print_json : print_text)(w, name, p);
}

/* ---- a batch ---- */

static ct_status flush(work *w) {
    ct_dims shape = CT_DIMS((int64_t)w->n, w->image.channels, w->image.size[0], w->image.size[1]);
    if (!w->n) return CT_OK;
    ct_scope *scope = ct_scope_open();
    ct_tensor *images = ct_from(CT_U8, shape, w->pixels);
    ct_status status = w->masks ? ct_model_predict_masks(w->model, images, ct_masks_room(w->masks))
                                : ct_model_predict(w->model, images, w->probability);
    ct_status closed = ct_scope_close(scope);
    status = ct_say_error(status ? status : closed);
    for (size_t i = 0; i < w->n; i++) {
        if (!status && w->masks) status = ct_masks_write(w->masks, i, w->name[i], w->json);
        if (!status && !w->masks) print(w, w->name[i], w->probability + i * (size_t)w->classes);
        free(w->name[i]);
    }
    w->n = 0;
    return status;
}

/* A file that cannot be read is said and left out. */
static ct_status add_image(work *w, const char *path) {
    ct_scope *scope = ct_scope_open();
    if (!scope) return ct_say_error(CT_NO_MEMORY);
    ct_tensor *t = ct_image_read(path, w->image);
    if (!ct_why(t)) memcpy(w->pixels + w->n * w->bytes, ct_data(t), w->bytes);
    ct_status status = ct_scope_close(scope);
    if (status == CT_NO_MEMORY) return ct_say_error(status);
    if (status) {
        ct_say_error(status);
        w->worst = status > w->worst ? status : w->worst;
        return CT_OK;
    }
    w->name[w->n++] = ct_cmd_format("%s", path);
    return w->n == w->room ? flush(w) : CT_OK;
}

static void add_row(void *ctx, const char *where, const float *value, int n) {
    work *w = ctx;
    if (ct_model_classifies(w->model))
        print(w, where, value);
    else
        print_values(w, where, value, n);
}

static ct_status add_operand(work *w, const char *path) {
    ct_list files = {0};
    if (ct_model_table(w->model)) return ct_say_error(ct_model_predict_table(w->model, path, add_row, w));
    ct_status status = ct_images_list(path, &files);
    if (status) w->worst = status > w->worst ? status : w->worst, status = CT_OK;
    for (size_t i = 0; !status && i < files.n; i++) status = add_image(w, files.v[i]);
    ct_list_free(&files);
    return status;
}

/* Names, one a line. */
static ct_status add_stdin(work *w) {
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    ct_status status = CT_OK;
    errno = 0;
    while (!status && (n = getline(&line, &cap, stdin)) > 0) {
        if (line[n - 1] == '\n') line[--n] = 0;
        if (n) status = add_operand(w, line);
    }
    if (!status && ferror(stdin)) status = ct_say(CT_FAIL, "standard input: cannot be read: %s", strerror(errno));
    free(line);
    return status;
}

/* ---- the command ---- */

static ct_status work_begin(work *w, const args *a, const char *path) {
    int64_t *size = w->image.size, mask[2];
    size_t limit = BATCH_BYTES / BATCH * BATCH;
    ct_status status = ct_model_open(path, &w->model);
    if (status) return ct_say_error(status);
    w->classes = ct_model_classes(w->model), w->json = a->json;
    w->top = a->top < 1 ? 1 : a->top < w->classes ? (int)a->top : w->classes;
    w->order = ct_cmd_alloc((size_t)w->top, sizeof *w->order);
    if (ct_model_table(w->model)) return CT_OK;
    bool masks = ct_model_mask(w->model, mask);
    if (!masks && !ct_model_classifies(w->model))
        return ct_say(CT_FAIL, "%s: gives no class for an image; `ctorch eval` says what it is worth", path);
    if (masks != !!a->output)
        return ct_say(CT_BAD_SPEC, "predict: %s gives %s; %s", path,
                      masks ? "a class for each pixel" : "a class, and no mask",
                      masks ? "-o DIR says where the masks go" : "leave -o out");
    if (!ct_model_image(w->model, size, &w->image.channels))
        return ct_say(CT_FAIL, "%s: takes no images of 1 or 3 channels", path);
    if ((uint64_t)size[0] > limit || (uint64_t)size[1] > limit / (size_t)size[0] / 3)
        return ct_say(CT_FAIL, "%s: its images are too large", path);
    w->bytes = (size_t)(size[0] * size[1] * w->image.channels);
    w->room = BATCH_BYTES / w->bytes < BATCH ? BATCH_BYTES / w->bytes : BATCH;
    w->pixels = ct_cmd_alloc(w->room, w->bytes);
    w->name = ct_cmd_alloc(w->room, sizeof *w->name);
    if (masks) return ct_masks_open(w->model, a->output, w->room, &w->masks);
    w->probability = ct_cmd_alloc(w->room * (size_t)w->classes, sizeof *w->probability);
    return CT_OK;
}

static void work_end(work *w) {
    for (size_t i = 0; i < w->n; i++) free(w->name[i]);
    free(w->pixels), free(w->name), free(w->probability), free(w->order);
    ct_masks_close(w->masks);
    ct_model_close(w->model);
}

static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    work w = {0};
    ct_status status = ct_machine_use(&a->machine);
    if (!status) status = work_begin(&w, a, operands.v[0]);
    if (!status && operands.n == 1) status = add_stdin(&w);
    for (int i = 1; !status && i < operands.n; i++)
        status = strcmp(operands.v[i], "-") ? add_operand(&w, operands.v[i]) : add_stdin(&w);
    if (!status) status = flush(&w);
    work_end(&w);
    return status ? status : w.worst;
}

const ct_command ct_command_predict = {"predict",
                                       "Says of PNG files, or of tables, what a model sees",
                                       "MODEL [FILE|DIR|-]...",
                                       1,
                                       -1,
                                       options,
                                       sizeof(args),
                                       run};
