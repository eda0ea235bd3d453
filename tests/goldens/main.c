/* usage: goldens [--isa NAME] [--spec FILE.yaml [--rename FILE]] PATH...
   Each PATH is a golden file, or a folder searched for *.safetensors. All but schedules is computed twice,
   define-by-run and from a plan. --isa: the kernels of that instruction set, or ref; without it the best ones, but for
   whole runs the plain ones (run.c says why). --spec: runs use this spec rather than the one of tests/goldens that has
   the file's parameters; --rename: a line "their.name our.name" a parameter that is called otherwise there. */
#include "base/buf.h"
#include "goldens.h"
#include "ops/cases.h"
#include "ops/ops.h"
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int passed, failed, skipped;
static const char *spec, *rename_table, *isa;

static void say(const golden *g, const char *what, const char *name, const char *fmt, va_list args) {
    printf("%s: %s: %s: ", what, g->path, name);
    vprintf(fmt, args);
    putchar('\n');
}

void golden_fail(golden *g, const char *name, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    say(g, "FAILED", name, fmt, args);
    va_end(args);
    g->failed++;
}

void golden_skip(golden *g, const char *name, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    say(g, "skipped", name, fmt, args);
    va_end(args);
    g->skipped++;
}

void golden_pass(golden *g) { g->passed++; }

double golden_distance(const ct_tensor *got, const ct_tensor *want, const char **why) {
    *why = ct_why(got) ? ct_why(got) : ct_why(want);
    if (*why) return INFINITY;
    *why = "the shape differs";
    if (ct_ndim(got) != ct_ndim(want)) return INFINITY;
    for (int d = 0; d < ct_ndim(want); d++)
        if (ct_size(got, d) != ct_size(want, d)) return INFINITY;
    size_t n = (size_t)ct_numel(want);
    double *a = calloc(2 * n + 1, sizeof *a), *b = a + n, difference = 0, norm = 0;
    ct_status status = ct_copy_out(got, CT_F64, a);
    if (!status) status = ct_copy_out(want, CT_F64, b);
    bool exact = ct_dtype_of(want) == CT_I64 || ct_dtype_of(want) == CT_U8, equal = true;
    for (size_t i = 0; i < n; i++) {
        equal &= a[i] == b[i];
        difference += (a[i] - b[i]) * (a[i] - b[i]), norm += b[i] * b[i];
    }
    free(a);
    *why = status ? ct_error() : "the value differs";
    double d = sqrt(difference) / fmax(sqrt(norm), 1e-6);
    if (status || isnan(d) || (exact && !equal)) return INFINITY;
    return d;
}

ct_tensor *golden_tensor(golden *g, const json_t *name) { return ct_safetensors_get(g->file, json_string_value(name)); }

bool golden_args(const ct_key *keys, void *args, const json_t *object, const char *except, const char **what) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        if (json_is_null(value) || (except && !strcmp(name, except))) continue;
        if (json_is_false(value) && !ct_key_find(keys, name)) continue; /* PyTorch's own, as inplace and foreach */
        *what = name;
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        const char *said = text ? text : json_string_value(value);
        ct_status status = ct_key_find(keys, name) ? ct_case_set(keys, args, name, said) : CT_FAIL;
        free(text);
        if (status) return false;
    }
    return true;
}

void golden_each(golden *g, const char *what, const ct_kind *(*find)(const char *name),
                 void (*run)(golden *g, const char *name, const json_t *json, const ct_kind *kind, void *args)) {
    size_t i;
    json_t *json;
    json_array_foreach(g->cases, i, json) {
        const char *name = json_string_value(json_object_get(json, "name"));
        const char *which = json_string_value(json_object_get(json, what));
        const ct_kind *kind = which ? find(which) : NULL;
        if (!kind) {
            golden_skip(g, name, "there is no %s '%s'", what, which ? which : "");
            continue;
        }
        ct_scope *scope = ct_scope_open();
        void *args = calloc(1, kind->args_size);
        ct_keys_default(kind->keys, args);
        const char *field = "";
        if (golden_args(kind->keys, args, json_object_get(json, "args"), NULL, &field))
            run(g, name, json, kind, args);
        else
            golden_fail(g, name, "%s has no argument '%s' of that value", kind->name, field);
        free(args);
        (void)!ct_scope_close(scope); /* an error inside was reported */
    }
}

/* Python's json writes infinity as a word that JSON lacks: it becomes the text of a number that is as much. */
static json_t *read_cases(const char *text) {
    static const char word[] = "Infinity";
    ct_buf cases = CT_BUF(1 << 30);
    for (const char *at; (at = strstr(text, word)); text = at + strlen(word)) {
        bool minus = at > text && at[-1] == '-';
        ct_buf_printf(&cases, "%.*s\"%s1e999\"", (int)(at - text - minus), text, minus ? "-" : "");
    }
    ct_buf_printf(&cases, "%s", text);
    json_t *read = ct_buf_status(&cases) ? NULL : json_loads(cases.data, 0, NULL);
    ct_buf_free(&cases);
    return read;
}

static void run_file(const char *path) {
    golden g = {.path = path, .spec = spec, .rename = rename_table, .isa = isa};
    ct_scope *scope = ct_scope_open();
    if (ct_safetensors_open(path, &g.file)) {
        golden_fail(&g, "open", "%s", ct_error());
    } else {
        const char *format = ct_safetensors_meta(g.file, "format"), *family = ct_safetensors_meta(g.file, "family");
        const char *cases = ct_safetensors_meta(g.file, "cases");
        g.cases = read_cases(cases ? cases : "[]");
        if (!format || strcmp(format, "ctorch-golden-1") || !family || !g.cases)
            golden_fail(&g, "open", "is no golden file");
        else if (!strcmp(family, "optim"))
            golden_optim(&g);
        else if (!strcmp(family, "lr_scheduler"))
            golden_schedule(&g);
        else if (!strcmp(family, "run"))
            golden_run(&g);
        else
            golden_ops(&g);
        json_decref(g.cases);
        ct_safetensors_close(g.file);
    }
    if (ct_scope_close(scope) && !g.failed && !g.skipped) golden_fail(&g, "end", "%s", ct_error());
    passed += g.passed, failed += g.failed, skipped += g.skipped;
}

static bool is_golden(const char *name) {
    size_t n = strlen(name);
    return n > 12 && !strcmp(name + n - 12, ".safetensors");
}

static void run_path(const char *path) {
    struct stat st;
    struct dirent **entry;
    if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
        run_file(path);
        return;
    }
    int n = scandir(path, &entry, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char below[4096];
        snprintf(below, sizeof below, "%s/%s", path, entry[i]->d_name);
        bool dir = entry[i]->d_name[0] != '.' && !stat(below, &st) && S_ISDIR(st.st_mode);
        if (dir || is_golden(entry[i]->d_name)) run_path(below);
        free(entry[i]);
    }
    if (n >= 0) free(entry);
}

static int usage(const char *why) {
    fprintf(stderr,
            "goldens: %s\nusage: goldens [--isa NAME] [--spec FILE.yaml [--rename FILE]] PATH...\n"
            "Whole runs are computed by the plain kernels (ref), which sum in f64, unless --isa names others.\n",
            why);
    return 2;
}

int main(int argc, char **argv) {
    int i = 1;
    for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
        if (!strcmp(argv[i], "--spec"))
            spec = argv[i + 1];
        else if (!strcmp(argv[i], "--rename"))
            rename_table = argv[i + 1];
        else if (strcmp(argv[i], "--isa"))
            return usage("an unknown option");
        else if (ct_backend_use(isa = argv[i + 1]))
            return usage(ct_error());
    }
    if (i >= argc) return usage("a path is missing");
    for (; i < argc; i++) run_path(argv[i]);
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed != 0;
}
