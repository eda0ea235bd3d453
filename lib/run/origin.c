#include "run/origin.h"
#include "base/alloc.h"
#include "ops/shape_util.h"
#include "run/model.h"
#include "run/rename.h"
#include "spec/param.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 8 /* names that a line of the table has room for */

struct ct_origin {
    const ct_spec *spec;
    const ct_yaml *at; /* where the spec names it */
    char path[4096];
    ct_safetensors *file;
    ct_rename rename;
    char **class_name; /* of the file, `classes` of them; 0: it has none */
    int classes;
};

/* ---- opening ---- */
static ct_status open_file(ct_origin *f) {
    const ct_init_from *from = &f->spec->model.from;
    bool dir;
    CT_TRY(ct_model_path(from->path, f->path, &dir));
    CT_TRY(ct_safetensors_open(f->path, &f->file));
    CT_TRY(ct_safetensors_verify(f->file));
    const char *format = ct_safetensors_meta(f->file, "format"), *classes = ct_safetensors_meta(f->file, "classes");
    if (format && classes && !strcmp(format, CT_MODEL_FORMAT))
        CT_TRY(ct_classes_read(f->path, classes, &f->class_name, &f->classes));
    return from->rename ? ct_rename_read(from->rename, &f->rename) : CT_OK;
}

ct_status ct_origin_open(const ct_spec *spec, ct_origin **out) {
    *out = NULL;
    if (!spec->model.from.path) return CT_OK;
    ct_origin *f = ct_alloc(1, sizeof *f);
    if (!f) return CT_NO_MEMORY;
    f->spec = spec, f->at = ct_yaml_get(ct_yaml_get(spec->root, "init"), "from");
    ct_status status = open_file(f);
    if (status)
        ct_origin_close(f);
    else
        *out = f;
    return status ? ct_fail_in(status, "init.from") : status;
}

void ct_origin_close(ct_origin *f) {
    if (!f) return;
    ct_safetensors_close(f->file);
    ct_rename_free(&f->rename);
    ct_classes_free(f->class_name, f->classes);
    ct_free(f);
}

/* ---- classes ---- */
typedef struct class_row {
    const char *name;
    int at;
} class_row;

static int by_name(const void *a, const void *b) {
    const class_row *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* What is under way: our names, their rows for our classes, and what is found out. */
typedef struct loading {
    ct_origin *f;
    const ct_net *net;
    const ct_dataset *data;
    ct_names names;
    int head; /* among the names: the weight of the last layer with a row a class; -1: rows are as they stand */
    int *row; /* of our class i in the file, -1: it is not there */
    ct_origin_report *out;
    ct_buf line[CT_UNUSED + 1];
} loading;

static bool same_classes(const ct_origin *f, const ct_dataset *d) {
    bool same = f->classes == d->classes;
    for (int i = 0; same && i < d->classes; i++) same = !strcmp(f->class_name[i], d->class_name[i]);
    return same;
}

static ct_status match_classes(loading *l) {
    const ct_dataset *d = l->data;
    l->head = -1;
    if (!l->f->classes || !d->classes || l->net->scores < 0 || same_classes(l->f, d)) return CT_OK;
    class_row *theirs = ct_alloc((size_t)l->f->classes, sizeof *theirs);
    l->row = ct_alloc((size_t)d->classes, sizeof *l->row);
    if (theirs && l->row) {
        for (int i = 0; i < l->f->classes; i++) theirs[i] = (class_row){l->f->class_name[i], i};
        qsort(theirs, (size_t)l->f->classes, sizeof *theirs, by_name);
        for (int i = 0; i < d->classes; i++) {
            const class_row key = {d->class_name[i], 0};
            const class_row *found = bsearch(&key, theirs, (size_t)l->f->classes, sizeof *theirs, by_name);
            l->row[i] = found ? found->at : -1;
        }
        for (int i = 0; i < l->names.n; i++) {
            const ct_param *p = l->names.entry[i].param;
            const ct_layout *k = &p->tensor->layout;
            if ((p->trained || p->frozen) && k->ndim > 1 && k->size[0] == d->classes) l->head = i;
        }
    }
    ct_free(theirs);
    return theirs && l->row ? CT_OK : CT_NO_MEMORY;
}

/* Whether name i is the head's weight or bias: it stands in the same layer and has a row a class. */
static bool is_head(const loading *l, int i) {
    if (l->head < 0 || i == l->head) return i == l->head;
    const char *a = l->names.of[l->head].name, *b = l->names.of[i].name, *dot = strrchr(a, '.');
    size_t n = dot ? (size_t)(dot - a) + 1 : 0;
    const ct_layout *k = &l->names.of[i].tensor->layout;
    return !strncmp(a, b, n) && !strchr(b + n, '.') && k->ndim == 1 && k->size[0] == l->data->classes;
}

/* ---- what fits what ---- */
static void add(loading *l, ct_became what, const char *fmt, ...) CT_PRINTF(3, 4);
static void add(loading *l, ct_became what, const char *fmt, ...) {
    char text[700];
    va_list args;
    if (++l->out->n[what] > SHOWN) return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const char *between = what == CT_REINITIALISED ? "; " : ", ";
    ct_buf_printf(&l->line[what], "%s%s", l->line[what].len ? between : "", text);
}

/* What the file calls the tensor: by its own name, or by one that is tied to it; NULL: it has none. */
static const char *theirs_of(const loading *l, int i) {
    const char *name = ct_rename_theirs(&l->f->rename, l->names.of[i].name);
    if (ct_safetensors_has(l->f->file, name)) return name;
    for (int k = 0; k < l->names.n_ties; k++) {
        if (l->names.tie[k].param->tensor != l->names.of[i].tensor) continue;
        name = ct_rename_theirs(&l->f->rename, l->names.tie[k].name);
        if (ct_safetensors_has(l->f->file, name)) return name;
    }
    return NULL;
}

/* Sizes from dimension d on, and that both are numbers of one sort. */
static bool fits(const ct_tensor *ours, const ct_tensor *theirs, int d) {
    const ct_layout *a = &ours->layout, *b = &theirs->layout;
    bool same = a->ndim == b->ndim && (a->dtype == b->dtype || (ct_is_float(a->dtype) && ct_is_float(b->dtype)));
    for (; same && d < a->ndim; d++) same = a->size[d] == b->size[d];
    return same;
}

/* Another shape: left as it was made, or an error. */
static void say_mismatch(loading *l, int i, const char *name, const ct_tensor *theirs) {
    const ct_tensor *t = l->names.of[i].tensor;
    char own[128], its[128];
    ct_layout_text(&t->layout, own, sizeof own), ct_layout_text(&theirs->layout, its, sizeof its);
    if (l->f->spec->model.from.on_mismatch)
        add(l, CT_REINITIALISED, "%.256s %s, the file's is %s", l->names.of[i].name, own, its);
    else
        ct_diag(l->f->spec->doc, CT_ERROR, l->f->at,
                "%s: tensor '%s' is %s %s, the model's %s is %s %s; on_mismatch: reinit keeps the model's own",
                l->f->path, name, ct_dtype_name(theirs->layout.dtype), its, l->names.of[i].name,
                ct_dtype_name(t->layout.dtype), own);
}

static ct_status load_rows(const loading *l, ct_tensor *ours, ct_tensor *theirs) {
    for (int i = 0; i < l->data->classes; i++) {
        if (l->row[i] < 0) continue;
        ct_narrow_args to = {.start = i ? i : CT_ZERO, .length = 1};
        ct_narrow_args from = {.start = l->row[i] ? l->row[i] : CT_ZERO, .length = 1};
        CT_TRY(ct_set(ct_narrow(ours, to), ct_narrow(theirs, from)));
    }
    return CT_OK;
}

/* Looks at name i (load false: says what becomes of it), or loads it. */
static ct_status visit(loading *l, int i, const char *name, ct_tensor *theirs, bool load) {
    ct_tensor *ours = l->names.entry[i].param->tensor;
    const char *own = l->names.of[i].name;
    if (ct_why(theirs)) return ct_fail(theirs->status, "%s", ct_why(theirs));
    bool head =
             is_head(l, i) && theirs->layout.ndim && theirs->layout.size[0] == l->f->classes && fits(ours, theirs, 1),
         whole = !head && fits(ours, theirs, 0);
    if (load && (head || whole)) theirs = ct_to(theirs, ours->layout.dtype);
    if (load) return head ? load_rows(l, ours, theirs) : whole ? ct_set(ours, theirs) : CT_OK;
    if (head || whole)
        add(l, head ? CT_BY_CLASS : CT_LOADED, "%.256s", own);
    else
        say_mismatch(l, i, name, theirs);
    return CT_OK;
}

static ct_status visit_all(loading *l, bool load) {
    for (int i = 0; i < l->names.n; i++) {
        const char *own = l->names.of[i].name, *name = theirs_of(l, i);
        const ct_param *p = l->names.entry[i].param;
        bool drawn = (p->trained || p->frozen) && ct_init_find(&l->f->spec->model, own, NULL);
        if (name && drawn && !load) add(l, CT_REINITIALISED, "%.256s, as init says", own);
        if (!name && !load) add(l, CT_MISSING, "%.256s", own);
        if (!name || drawn) continue;
        ct_scope *scope = ct_scope_open();
        if (!scope) return CT_NO_MEMORY;
        ct_status status = visit(l, i, name, ct_safetensors_get(l->f->file, name), load);
        ct_status closed = ct_scope_close(scope);
        CT_TRY(status ? status : closed);
    }
    return CT_OK;
}

/* ---- names of the file, and of the table ---- */
static bool is_ours(const loading *l, const char *name) {
    for (int i = 0; i < l->names.n; i++)
        if (!strcmp(l->names.of[i].name, name)) return true;
    for (int i = 0; i < l->names.n_ties; i++)
        if (!strcmp(l->names.tie[i].name, name)) return true;
    return false;
}

static ct_status check_table(const loading *l) {
    const char *path = l->f->spec->model.from.rename;
    for (int i = 0; i < l->f->rename.n; i++) {
        const ct_rename_row *r = &l->f->rename.row[i];
        if (!ct_safetensors_has(l->f->file, r->theirs))
            return ct_fail(CT_BAD_SPEC, "%s:%d: %s has no tensor '%s'", path, r->line, l->f->path, r->theirs);
        if (!is_ours(l, r->ours))
            return ct_fail(CT_BAD_SPEC, "%s:%d: no parameter of the model is named '%s'", path, r->line, r->ours);
    }
    return CT_OK;
}

/* Whether one of our names, or of those tied to them, stands for this one. */
static bool is_used(const loading *l, const char *name) {
    for (int i = 0; i < l->f->rename.n; i++) {
        const ct_rename_row *r = &l->f->rename.row[i];
        if (!strcmp(r->theirs, name)) return true;
        if (!strcmp(r->ours, name)) return false;
    }
    return is_ours(l, name);
}

static void list_unused(loading *l) {
    for (int i = 0; i < ct_safetensors_count(l->f->file); i++) {
        const char *name = ct_safetensors_name(l->f->file, i);
        if (!is_used(l, name)) add(l, CT_UNUSED, "%.256s", name);
    }
}

/* ---- the table ---- */
static void list_classes(const loading *l, bool there, const char *words, ct_buf *out) {
    int n = 0;
    for (int i = 0; i < l->data->classes; i++) {
        if ((l->row[i] >= 0) != there || n++ > SHOWN) continue;
        ct_buf_printf(out, n > SHOWN ? ", ..." : "%s%.64s", n == 1 ? words : ", ", l->data->class_name[i]);
    }
}

static ct_status write_table(loading *l) {
    static const char *const words[] = {"loaded", "by class", "reinitialised", "missing", "unused"};
    ct_buf out = CT_BUF(1 << 16);
    ct_buf_printf(&out, "starting from %s", l->f->path);
    for (int i = 0; i <= CT_UNUSED; i++) {
        int n = l->out->n[i];
        if (!n) continue;
        ct_buf_printf(&out, "\n  %-13s %4d  %s", words[i], n, l->line[i].data);
        if (n > SHOWN) ct_buf_printf(&out, ", and %d more", n - SHOWN);
        if (i != CT_BY_CLASS) continue;
        list_classes(l, true, "; rows from the file: ", &out);
        list_classes(l, false, "; new ones: ", &out);
    }
    if (ct_buf_status(&out)) ct_buf_free(&out);
    l->out->table = out.data;
    return out.data ? CT_OK : CT_NO_MEMORY;
}

/* All of it is looked at before any of it is loaded. */
static ct_status load(loading *l) {
    ct_doc *doc = l->f->spec->doc;
    CT_TRY(match_classes(l));
    CT_TRY(check_table(l));
    CT_TRY(visit_all(l, false));
    const int *n = l->out->n;
    if (!ct_diag_status(doc) && !n[CT_LOADED] && !n[CT_BY_CLASS] && !n[CT_REINITIALISED] && l->names.n)
        ct_diag(doc, CT_ERROR, l->f->at,
                "%s: none of its names is the model's, whose first is '%s'%s%s; rename: TABLE says what is what",
                l->f->path, l->names.of[0].name, ct_safetensors_count(l->f->file) ? " where the file has " : "",
                ct_safetensors_count(l->f->file) ? ct_safetensors_name(l->f->file, 0) : "");
    CT_TRY(ct_diag_status(doc));
    list_unused(l);
    CT_TRY(write_table(l));
    ct_no_grad_begin();
    ct_status status = visit_all(l, true);
    ct_no_grad_end();
    return status;
}

ct_status ct_origin_load(ct_origin *f, const ct_net *net, const ct_dataset *data, ct_origin_report *out) {
    loading l = {.f = f, .net = net, .data = data, .out = out};
    *out = (ct_origin_report){0};
    for (int i = 0; i <= CT_UNUSED; i++) l.line[i] = CT_BUF(1 << 14);
    CT_TRY(ct_names_of(net->module, "", &l.names));
    ct_status status = load(&l);
    if (status) ct_free(out->table), out->table = NULL;
    for (int i = 0; i <= CT_UNUSED; i++) ct_buf_free(&l.line[i]);
    ct_names_free(&l.names);
    ct_free(l.row);
    return status;
}
