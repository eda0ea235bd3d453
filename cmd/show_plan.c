/* How a step is run: what the passes do to it, its kernels, the program before and after. */
#include "cmd/show.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *step_of(bool eval) { return eval ? "evaluation" : "training"; }

static void print_passes(FILE *out, const ct_plan_report *r) {
    int ops = r->captured;
    fprintf(out, "%-10s  %6s  %6s\n%-10s  %6d\n", "pass", "ops", "change", "captured", ops);
    for (int i = 0; i < r->n_passes; i++) {
        const ct_pass_report *p = &r->pass[i];
        if (p->on)
            fprintf(out, "%-10s  %6d  %+6d  %s\n", p->name, p->ops, p->ops - ops, p->help), ops = p->ops;
        else
            fprintf(out, "%-10s  %6s  %6s  %s\n", p->name, "", "off", p->help);
    }
    fprintf(out, "%-10s  %6d  %+6d  %s\n", "in place", r->n_kernels, r->n_kernels - ops,
            "new values of parameters are made where the old ones are");
}

/* ---- kernels, those of one name together ---- */
typedef struct kernels {
    const char *name;
    int n;
    double operations, bytes;
} kernels;

static int most_bytes_first(const void *a, const void *b) {
    const kernels *x = a, *y = b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : strcmp(x->name, y->name);
}

static int gather(const ct_plan_report *r, kernels *k) {
    int n = 0;
    for (int i = 0; i < r->n_kernels; i++) {
        int at = 0;
        while (at < n && strcmp(k[at].name, r->kernel[i].name)) at++;
        if (at == n) k[n++] = (kernels){.name = r->kernel[i].name};
        k[at].n++, k[at].operations += r->kernel[i].operations, k[at].bytes += r->kernel[i].bytes;
    }
    qsort(k, (size_t)n, sizeof *k, most_bytes_first);
    return n;
}

static void print_kernels(FILE *out, const ct_plan_report *r) {
    kernels *k = ct_cmd_alloc((size_t)r->n_kernels, sizeof *k);
    int n = gather(r, k);
    fprintf(out, "\n%8s  %10s  %10s  kernel\n", "launches", "Mop", "MB moved");
    for (int i = 0; i < n; i++)
        fprintf(out, "%8d  %10.1f  %10.2f  %s\n", k[i].n, k[i].operations / 1e6, k[i].bytes / 1e6, k[i].name);
    free(k);
}

void ct_show_plan_text(FILE *out, const ct_plan_report *r, bool eval) {
    fprintf(out, "a step of %s on %" PRId64 " samples, kernels %s\n\n", step_of(eval), r->batch, ct_backend_name());
    print_passes(out, r);
    fprintf(out, "\n%-10s  %8d\n", "launches", r->n_kernels);
    fprintf(out, "%-10s  %8.2f MB, and %.2f MB if no two shared a place\n", "values", (double)r->values / 1e6,
            (double)r->apart / 1e6);
    fprintf(out, "%-10s  %8.2f MB\n", "workspace", (double)r->workspace / 1e6);
    print_kernels(out, r);
    fprintf(out, "\nbefore: an op a line\n%s\nafter: a kernel a line\n%s", r->before, r->after);
}

/* ---- JSON ---- */
static void print_json_pass(ct_json *j, const ct_pass_report *p) {
    ct_json_open(j, NULL, '{');
    ct_json_text(j, "name", p->name);
    ct_json_bool(j, "on", p->on);
    if (p->on) ct_json_int(j, "ops", p->ops);
    ct_json_close(j, '}');
}

static void print_json_kernel(ct_json *j, const ct_kernel_report *k) {
    ct_json_open(j, NULL, '{');
    ct_json_text(j, "name", k->name);
    ct_json_text(j, "shape", k->shape);
    ct_json_number(j, "operations", k->operations);
    ct_json_number(j, "bytes", k->bytes);
    ct_json_close(j, '}');
}

/* The text's lines. */
static void print_json_lines(ct_json *j, const char *key, const char *text) {
    ct_json_open(j, key, '[');
    for (const char *end; *text; text = end + 1) {
        end = strchrnul(text, '\n');
        char *line = ct_cmd_format("%.*s", (int)(end - text), text);
        ct_json_text(j, NULL, line);
        free(line);
        if (!*end) break;
    }
    ct_json_close(j, ']');
}

void ct_show_plan_json(FILE *out, const ct_plan_report *r, bool eval) {
    ct_json j = {.out = out};
    ct_json_open(&j, NULL, '{');
    ct_json_text(&j, "step", step_of(eval));
    ct_json_int(&j, "batch_size", r->batch);
    ct_json_int(&j, "captured", r->captured);
    ct_json_int(&j, "launches", r->n_kernels);
    ct_json_int(&j, "values_bytes", r->values);
    ct_json_int(&j, "apart_bytes", r->apart);
    ct_json_int(&j, "workspace_bytes", r->workspace);
    ct_json_open(&j, "passes", '[');
    for (int i = 0; i < r->n_passes; i++) print_json_pass(&j, &r->pass[i]);
    ct_json_close(&j, ']');
    ct_json_open(&j, "kernels", '[');
    for (int i = 0; i < r->n_kernels; i++) print_json_kernel(&j, &r->kernel[i]);
    ct_json_close(&j, ']');
    print_json_lines(&j, "before", r->before);
    print_json_lines(&j, "after", r->after);
    ct_json_close(&j, '}');
}
