#include "data/folder.h"
#include "base/alloc.h"
#include "data/content.h"
#include "data/source.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEEPEST 32

/* ---- directories: names in bytewise order ---- */

typedef struct names {
    char **name;
    size_t n, cap;
} names;

static void names_free(names *l) {
    for (size_t i = 0; i < l->n; i++) ct_free(l->name[i]);
    ct_free(l->name);
    *l = (names){0};
}

static ct_status names_add(names *l, const char *name) {
    char **p = ct_grow(l->name, l->n, &l->cap, sizeof *p);
    if (!p) return CT_NO_MEMORY;
    l->name = p;
    return (p[l->n] = ct_strdup(name)) ? (l->n++, CT_OK) : CT_NO_MEMORY;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_png(const struct dirent *e) { return e->d_type != DT_DIR && ct_is_png_name(e->d_name); }
static bool may_be_folder(const struct dirent *e) {
    return e->d_name[0] != '.' && (e->d_type == DT_DIR || e->d_type == DT_LNK || e->d_type == DT_UNKNOWN);
}

/* The names in a directory that `keep`, sorted. */
static ct_status names_in(const char *path, bool (*keep)(const struct dirent *), names *out) {
    *out = (names){0};
    DIR *d = opendir(path);
    if (!d) return ct_fail(CT_FAIL, "%s: cannot be opened: %s", path, strerror(errno));
    ct_status s = CT_OK;
    errno = 0;
    for (struct dirent *e; !s && (e = readdir(d)); errno = 0)
        if (keep(e)) s = names_add(out, e->d_name);
    if (!s && errno) s = ct_fail(CT_FAIL, "%s: cannot be read: %s", path, strerror(errno));
    closedir(d);
    if (s)
        names_free(out);
    else if (out->n)
        qsort(out->name, out->n, sizeof *out->name, by_bytes);
    return s;
}

/* What is at dir/below: a directory, a file, or neither (0). Links are followed; one that loops leads nowhere. */
static mode_t type_of(const char *dir, const char *below) {
    struct stat st;
    char *path = ct_content_path(dir, below, "");
    mode_t type = path && !stat(path, &st) ? st.st_mode & S_IFMT : 0;
    ct_free(path);
    return type;
}

/* ---- the folder's own memory ---- */

static ct_status keep_text(ct_folder *f, char *text) {
    char **p = ct_grow(f->text, f->n_texts, &f->text_cap, sizeof *p);
    if (!p)
        ct_free(text);
    else
        f->text = p, p[f->n_texts++] = text;
    return p ? CT_OK : CT_NO_MEMORY;
}

/* Takes `path` over. */
static ct_status add_image(ct_folder *f, char *path, const char *class) {
    if (!path) return CT_NO_MEMORY;
    ct_image_file *p = ct_grow(f->image, f->n, &f->cap, sizeof *p);
    if (!p)
        ct_free(path);
    else
        f->image = p, p[f->n++] = (ct_image_file){path, class, 0};
    return p ? CT_OK : CT_NO_MEMORY;
}

/* "below/name", or "name" where below is "". */
static char *join(const char *below, const char *name) {
    return *below ? ct_content_path(below, name, "") : ct_strdup(name);
}

/* ---- one part: the folder itself, its train/ or its test/ ---- */

static ct_status add_class(ct_folder *f, const char *below, const char *name) {
    names files = {0};
    char *class = ct_strdup(name), *sub = join(below, name), *path = sub ? ct_content_path(f->dir, sub, "") : NULL;
    ct_status s = class ? keep_text(f, class) : CT_NO_MEMORY;
    if (!s) s = path ? names_in(path, is_png, &files) : CT_NO_MEMORY;
    if (!s && !files.n) s = ct_fail(CT_BAD_DATA, "%s: no .png file is in this class's folder", path);
    for (size_t i = 0; !s && i < files.n; i++) s = add_image(f, ct_content_path(sub, files.name[i], ""), class);
    names_free(&files);
    ct_free(sub), ct_free(path);
    return s;
}

static ct_status add_classes(ct_folder *f, const char *below) {
    names all;
    size_t before = f->n;
    char *path = *below ? ct_content_path(f->dir, below, "") : ct_strdup(f->dir);
    ct_status s = path ? names_in(path, may_be_folder, &all) : CT_NO_MEMORY;
    if (!s) {
        for (size_t i = 0; !s && i < all.n; i++) {
            char *sub = join(below, all.name[i]);
            if (!sub)
                s = CT_NO_MEMORY;
            else if (S_ISDIR(type_of(f->dir, sub)))
                s = add_class(f, below, all.name[i]);
            ct_free(sub);
        }
        names_free(&all);
        if (!s && f->n == before)
            s = ct_fail(CT_BAD_DATA, "%s: neither a folder for each class nor a labels.csv is in it", path);
    }
    ct_free(path);
    return s;
}

typedef struct csv {
    ct_folder *folder;
    const char *below, *path;
} csv;

static bool is_inside(const char *path) {
    for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
        if (!strncmp(p, "..", 2) && (p[2] == '/' || !p[2])) return false;
    return path[0] != '/';
}

static ct_status add_row(void *ctx, int line, const char *file, const char *label) {
    const csv *c = ctx;
    if (!is_inside(file)) return ct_fail(CT_BAD_DATA, "%s:%d: %s is not below the folder", c->path, line, file);
    return add_image(c->folder, join(c->below, file), label);
}

static ct_status add_csv(ct_folder *f, const char *below, const char *name) {
    char *path = ct_content_path(f->dir, name, ""), *text = NULL;
    char **p = ct_grow(f->list, f->n_lists, &f->list_cap, sizeof *p);
    if (p) f->list = p;
    if (p && (p[f->n_lists] = ct_strdup(name)))
        f->n_lists++;
    else
        ct_free(path), path = NULL;
    if (!path) return CT_NO_MEMORY;
    size_t before = f->n;
    ct_status s = ct_labels_read(path, add_row, &(csv){f, below, path}, &text),
              kept = text ? keep_text(f, text) : CT_OK;
    if (!s && f->n == before) s = ct_fail(CT_BAD_DATA, "%s: names no image", path);
    ct_free(path);
    return s ? s : kept;
}

static ct_status add_tree(ct_folder *f, const char *below, int depth);

static ct_status add_trees(ct_folder *f, const char *below, const names *folders, int depth) {
    ct_status s = CT_OK;
    for (size_t i = 0; !s && i < folders->n; i++) {
        char *sub = join(below, folders->name[i]);
        s = !sub ? CT_NO_MEMORY : S_ISDIR(type_of(f->dir, sub)) ? add_tree(f, sub, depth + 1) : CT_OK;
        ct_free(sub);
    }
    return s;
}

/* Images of no class. */
static ct_status add_tree(ct_folder *f, const char *below, int depth) {
    names files = {0}, folders = {0};
    char *path = *below ? ct_content_path(f->dir, below, "") : ct_strdup(f->dir);
    if (!path) return CT_NO_MEMORY;
    ct_status s = depth > DEEPEST ? ct_fail(CT_FAIL, "%s: is more than %d folders deep", path, DEEPEST)
                                  : names_in(path, is_png, &files);
    if (!s) s = names_in(path, may_be_folder, &folders);
    for (size_t i = 0; !s && i < files.n; i++) s = add_image(f, join(below, files.name[i]), "");
    if (!s) s = add_trees(f, below, &folders, depth);
    if (!s && !depth && !f->n) s = ct_fail(CT_BAD_DATA, "%s: no .png file is in it", path);
    names_free(&files), names_free(&folders);
    ct_free(path);
    return s;
}

static ct_status add_part(ct_folder *f, bool classes, const char *below) {
    if (!classes) return add_tree(f, below, 0);
    char *name = join(below, "labels.csv");
    if (!name) return CT_NO_MEMORY;
    ct_status s = S_ISREG(type_of(f->dir, name)) ? add_csv(f, below, name) : add_classes(f, below);
    ct_free(name);
    return s;
}

/* ---- classes ---- */

/* The distinct classes of the training images become class_name. */
static ct_status name_classes(ct_folder *f) {
    const char **all = ct_alloc(f->n_train, sizeof *all);
    f->class_name = ct_alloc(f->n_train, sizeof *f->class_name);
    ct_status s = all && f->class_name ? CT_OK : CT_NO_MEMORY;
    for (size_t i = 0; !s && i < f->n_train; i++) all[i] = f->image[i].class;
    if (!s) qsort(all, f->n_train, sizeof *all, ct_class_order);
    for (size_t i = 0; !s && i < f->n_train; i++) {
        if (i && !strcmp(all[i], all[i - 1])) continue;
        if (!(f->class_name[f->classes++] = ct_strdup(all[i]))) s = CT_NO_MEMORY;
    }
    ct_free(all);
    return s;
}

static ct_status label_images(ct_folder *f) {
    for (size_t i = 0; i < f->n; i++) {
        ct_image_file *m = &f->image[i];
        char **at = bsearch(&m->class, f->class_name, (size_t)f->classes, sizeof *f->class_name, ct_class_order);
        if (!at)
            return ct_fail(CT_BAD_DATA, "%s/%s: class '%s' is not among the training images", f->dir, m->path,
                           m->class);
        m->label = at - f->class_name;
    }
    return CT_OK;
}

static int by_label(const void *a, const void *b) {
    const ct_image_file *x = a, *y = b;
    return x->label != y->label ? (x->label < y->label ? -1 : 1) : strcmp(x->path, y->path);
}

static ct_status list(ct_folder *f, bool classes) {
    bool parts = S_ISDIR(type_of(f->dir, "train")) && !S_ISREG(type_of(f->dir, "labels.csv"));
    CT_TRY(add_part(f, classes, parts ? "train" : ""));
    f->n_train = f->n;
    f->has_test = parts && S_ISDIR(type_of(f->dir, "test"));
    if (f->has_test) CT_TRY(add_part(f, classes, "test"));
    if (f->n > INT32_MAX / 2) return ct_fail(CT_BAD_DATA, "%s: %zu images are too many", f->dir, f->n);
    if (classes) CT_TRY(name_classes(f));
    if (classes) CT_TRY(label_images(f));
    qsort(f->image, f->n_train, sizeof *f->image, by_label);
    if (f->has_test) qsort(f->image + f->n_train, f->n - f->n_train, sizeof *f->image, by_label);
    return CT_OK;
}

ct_status ct_folder_list(const char *dir, bool classes, ct_folder *out) {
    *out = (ct_folder){.dir = dir};
    ct_status s = list(out, classes);
    if (s) ct_folder_free(out);
    return s;
}

void ct_folder_free(ct_folder *f) {
    for (size_t i = 0; i < f->n; i++) ct_free(f->image[i].path);
    for (int i = 0; f->class_name && i < f->classes; i++) ct_free(f->class_name[i]);
    for (size_t i = 0; i < f->n_lists; i++) ct_free(f->list[i]);
    for (size_t i = 0; i < f->n_texts; i++) ct_free(f->text[i]);
    ct_free(f->image), ct_free(f->class_name), ct_free(f->list), ct_free(f->text);
    *f = (ct_folder){0};
}
