#include "data/manifest.h"
#include "base/alloc.h"
#include "yaml/read.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_FILES 64
#define MAX_MIRRORS 32
#define MAX_CLASSES 100000

/* What the file says; the manifest gets copies that outlive the document. */
typedef struct text {
    const char *name, *title, *license, *source;
    int format;
    ct_dims shape;
    int64_t train, test;
} text;

static const ct_key manifest_keys[] = {
    {"name", CT_KEY_STRING, offsetof(text, name), .def = NAN,
     .help = "what `data.dataset` says, and the files' directory"},
    {"title", CT_KEY_STRING, offsetof(text, title), .help = "one line about the dataset"},
    {"license", CT_KEY_STRING, offsetof(text, license), .help = "its licence and who made it"},
    {"source", CT_KEY_STRING, offsetof(text, source), .help = "where it comes from"},
    {"format", CT_KEY_ENUM, offsetof(text, format), .choices = "idx|cifar|text", .help = "of the files"},
    {"shape", CT_KEY_DIMS, offsetof(text, shape), .min = 1, .max = 1 << 24,
     .help = "of a sample: channels, height, width"},
    {"train", CT_KEY_INT, offsetof(text, train), .max = 1 << 30,
     .help = "training samples of an archive, whose size does not tell; 0: not said"},
    {"test", CT_KEY_INT, offsetof(text, test), .max = 1 << 30, .help = "test samples of an archive"},
    {0}};
static const ct_key read_here[] = {
    {.name = "mirrors"}, {.name = "files"}, {.name = "classes"}, {.name = "coarse_classes"}, {0}};

typedef struct file_text {
    const char *name, *sha256;
    int role;
    int64_t size;
} file_text;

static const ct_key file_keys[] = {
    {"name", CT_KEY_STRING, offsetof(file_text, name), .def = NAN, .help = "of the uncompressed file"},
    {"role", CT_KEY_ENUM, offsetof(file_text, role), .def = NAN,
     .choices = "train_x|train_y|test_x|test_y|archive|text", .help = "what it holds"},
    {"size", CT_KEY_INT, offsetof(file_text, size), .def = NAN, .max = 0x1p40,
     .help = "bytes of the uncompressed content, or of the archive"},
    {"sha256", CT_KEY_STRING, offsetof(file_text, sha256), .def = NAN,
     .help = "of the uncompressed content, or of the archive: 64 hex digits"},
    {0}};

/* A name becomes part of a path and of a URL: letters, digits, - _ and inner dots. */
static bool is_plain_name(const char *s) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    return s && *s && *s != '.' && strlen(s) <= 200 && !s[strspn(s, plain)];
}

static char *copy(const char *s) { return ct_strdup(s ? s : ""); }

/* The list at `key`, checked; NULL after a diagnostic (or, when it may be absent, without one). */
static const ct_yaml *list_of(ct_doc *doc, const ct_yaml *map, const char *key, int min, int max) {
    const ct_yaml *list = ct_yaml_get(map, key);
    if (!list && !min) return NULL;
    if (list && list->kind == CT_LIST && list->n >= min && list->n <= max) return list;
    ct_diag(doc, CT_ERROR, list ? list : map, "`%s` must be a list of %d to %d", key, min, max);
    return NULL;
}

static ct_status read_file(ct_doc *doc, const ct_yaml *node, ct_manifest *m) {
    file_text t;
    ct_manifest_file *f = &m->file[m->n_files++];
    ct_read_keys(doc, node, "a file", file_keys, &t, NULL);
    if (ct_diag_count(doc, CT_ERROR)) return CT_OK;
    char role[16] = "";
    ct_key_choice(ct_key_find(file_keys, "role"), t.role, role, sizeof role);
    for (int i = 0; i < m->n_files - 1; i++)
        if (!strcmp(m->file[i].role, role)) ct_diag(doc, CT_ERROR, node, "a second file with role %s", role);
    if (!is_plain_name(t.name)) ct_diag(doc, CT_ERROR, node, "a file needs a name of letters, digits, - _ and dots");
    if (!t.sha256 || strlen(t.sha256) != 64 || t.sha256[strspn(t.sha256, "0123456789abcdef")])
        ct_diag(doc, CT_ERROR, node, "`sha256` must be 64 digits of 0-9 and a-f");
    else
        memcpy(f->sha256, t.sha256, sizeof f->sha256);
    f->size = t.size;
    f->name = copy(t.name), f->role = copy(role);
    f->packed = !strcmp(role, "archive");
    return f->name && f->role ? CT_OK : CT_NO_MEMORY;
}

static ct_status read_files(ct_doc *doc, const ct_yaml *root, ct_manifest *m) {
    const ct_yaml *list = list_of(doc, root, "files", 1, MAX_FILES);
    if (!list) return CT_OK;
    if (!(m->file = ct_alloc((size_t)list->n, sizeof *m->file))) return CT_NO_MEMORY;
    for (int i = 0; i < list->n; i++) CT_TRY(read_file(doc, list->value[i], m));
    return CT_OK;
}

static bool is_mirror(const char *url) { return !strncmp(url, "https://", 8) || !strncmp(url, "file:///", 8); }
static bool is_class(const char *name) { return *name; }

/* A list of strings that `fits` each. */
static ct_status read_strings(ct_doc *doc, const ct_yaml *list, bool (*fits)(const char *), const char *what,
                              char ***out, int *n) {
    if (!list) return CT_OK;
    if (!(*out = ct_alloc((size_t)list->n + 1, sizeof **out))) return CT_NO_MEMORY;
    for (int i = 0; i < list->n; i++) {
        const ct_yaml *s = list->value[i];
        bool ok = s->kind == CT_SCALAR && fits(s->text);
        if (!ok)
            ct_diag(doc, CT_ERROR, s, "expected %s", what);
        else if (!((*out)[(*n)++] = ct_strdup(s->text)))
            return CT_NO_MEMORY;
    }
    return CT_OK;
}

static ct_status read_manifest(ct_doc *doc, const ct_yaml *root, ct_manifest *m) {
    text t;
    ct_read_keys(doc, root, NULL, manifest_keys, &t, read_here);
    CT_TRY(ct_diag_status(doc)); /* that it is a map at all */
    if (!is_plain_name(t.name)) ct_diag(doc, CT_ERROR, root, "`name` must be letters, digits, - _ and dots");
    m->name = copy(t.name), m->title = copy(t.title), m->license = copy(t.license), m->source = copy(t.source);
    char format[16] = "";
    ct_key_choice(ct_key_find(manifest_keys, "format"), t.format, format, sizeof format);
    m->format = copy(format);
    m->shape = t.shape, m->train = t.train, m->test = t.test;
    if (!m->name || !m->title || !m->license || !m->source || !m->format) return CT_NO_MEMORY;
    CT_TRY(read_files(doc, root, m));
    CT_TRY(read_strings(doc, list_of(doc, root, "mirrors", 0, MAX_MIRRORS), is_mirror,
                        "a folder's URL, https:// or file:///", &m->mirror, &m->n_mirrors));
    CT_TRY(read_strings(doc, list_of(doc, root, "classes", strcmp(format, "text") != 0, MAX_CLASSES), is_class,
                        "a class name", &m->class_name, &m->classes));
    CT_TRY(read_strings(doc, list_of(doc, root, "coarse_classes", 0, MAX_CLASSES), is_class, "a class name",
                        &m->coarse_name, &m->coarse));
    return ct_diag_status(doc);
}

static bool is_path(const char *name) {
    size_t n = strlen(name);
    return n > 5 && !strcmp(name + n - 5, ".yaml");
}

static ct_status unknown(const char *name) {
    int n;
    const char *const *names = ct_manifest_names(&n), *near = ct_nearest(name, names, n);
    return ct_fail(CT_BAD_SPEC,
                   "no dataset is called '%s'%s%s%s (`ctorch fetch --list` names them; a path ends in .yaml)", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static ct_status parse(ct_doc *doc, const char *name, ct_yaml **root) {
    if (is_path(name)) return ct_doc_parse_file(doc, name, root);
    char file[256];
    size_t size;
    const char *text;
    if ((size_t)snprintf(file, sizeof file, "%s.yaml", name) >= sizeof file || !(text = ct_embedded(file, &size)))
        return unknown(name);
    return ct_doc_parse(doc, file, text, size, root);
}

ct_status ct_manifest_load(const char *name, ct_manifest **out) {
    *out = NULL;
    ct_doc *doc = ct_doc_new();
    ct_manifest *m = ct_alloc(1, sizeof *m);
    ct_yaml *root = NULL;
    ct_status s = doc && m ? parse(doc, name, &root) : CT_NO_MEMORY;
    if (!s) s = read_manifest(doc, root, m);
    ct_doc_free(doc);
    if (s)
        ct_manifest_free(m);
    else
        *out = m;
    return s;
}

ct_status ct_manifest_classes(const ct_manifest *m, bool coarse, char ***name, int *n) {
    *name = coarse ? m->coarse_name : m->class_name, *n = coarse ? m->coarse : m->classes;
    return *n || !coarse ? CT_OK
                         : ct_fail(CT_BAD_SPEC, "%s has no coarse labels: `labels: fine` is what there is", m->name);
}

static void free_strings(char **list, int n) {
    for (int i = 0; i < n; i++) ct_free(list[i]);
    ct_free(list);
}

void ct_manifest_free(ct_manifest *m) {
    if (!m) return;
    for (int i = 0; i < m->n_files; i++) ct_free(m->file[i].name), ct_free(m->file[i].role);
    ct_free(m->file);
    free_strings(m->mirror, m->n_mirrors);
    free_strings(m->class_name, m->classes);
    free_strings(m->coarse_name, m->coarse);
    ct_free(m->name), ct_free(m->title), ct_free(m->license), ct_free(m->source), ct_free(m->format);
    ct_free(m);
}
