/* A dataset out of the files that a manifest names. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "data/content.h"
#include "data/source.h"
#include <string.h>

/* A file on its way into memory; the error is carried from the thread that met it. */
typedef struct item {
    const ct_manifest_file *file;
    const void *embedded; /* what the library carries, or NULL */
    char *path;           /* else where it lies */
    ct_bytes bytes;
    ct_status status;
    char *why;
} item;

static ct_status read_item(item *it) {
    if (!it->embedded) return ct_content_read(it->path, it->file, &it->bytes);
    unsigned char *copy = ct_alloc((size_t)it->file->size, 1);
    if (!copy) return CT_NO_MEMORY;
    memcpy(copy, it->embedded, (size_t)it->file->size);
    it->bytes = (ct_bytes){copy, (size_t)it->file->size, NULL};
    return CT_OK;
}

static void read_items(void *ctx, int64_t begin, int64_t end) {
    item *items = ctx;
    for (int64_t i = begin; i < end; i++) {
        items[i].status = read_item(&items[i]);
        if (items[i].status) items[i].why = ct_strdup(ct_error());
    }
}

static ct_status not_there(const ct_manifest *m, const char *name, const char *const *dirs, const char *sub) {
    ct_buf where = CT_BUF(1000);
    for (int i = 0; dirs && dirs[i]; i++)
        ct_buf_printf(&where, "%s%s%s%s", i ? ", " : "", dirs[i], *sub ? "/" : "", sub);
    ct_status s = ct_fail(CT_BAD_DATA, "%s: %s is not in %s; get it with `ctorch fetch %s`", m->name, name,
                          where.data ? where.data : "any directory", m->name);
    ct_buf_free(&where);
    return s;
}

/* Finds the file where args->file says, in args->dir, or in NAME/ of each of data_dirs. */
static ct_status find(const ct_manifest *m, const ct_data_args *args, const char *const *data_dirs, item *it) {
    const char *const own[] = {args->dir, NULL}, *const *dirs = args->dir ? own : data_dirs;
    const char *sub = args->dir ? "" : m->name;
    if (args->file) return (it->path = ct_strdup(args->file)) ? CT_OK : CT_NO_MEMORY;
    if (!args->dir && (it->embedded = ct_content_embedded(m, it->file))) return CT_OK;
    for (int i = 0; dirs && dirs[i] && !it->path; i++) {
        char *dir = ct_content_path(dirs[i], sub, "");
        if (!dir) return CT_NO_MEMORY;
        ct_status s = ct_content_find(dir, it->file->name, &it->path);
        ct_free(dir);
        CT_TRY(s);
    }
    return it->path ? CT_OK : not_there(m, it->file->name, dirs, sub);
}

static ct_status read_all(const ct_manifest *m, const ct_data_args *args, const char *const *data_dirs, item *items) {
    if (args->file && m->n_files > 1)
        return ct_fail(CT_BAD_SPEC, "data: file says where a dataset's only file is; %s has %d (dir says where)",
                       m->name, m->n_files);
    for (int i = 0; i < m->n_files; i++) {
        items[i].file = &m->file[i];
        CT_TRY(find(m, args, data_dirs, &items[i]));
    }
    ct_parallel(m->n_files, 1, read_items, items);
    for (int i = 0; i < m->n_files; i++)
        if (items[i].status) return ct_fail(items[i].status, "%s", items[i].why ? items[i].why : "out of memory");
    return CT_OK;
}

static void release(void *owner) {
    ct_bytes_free(owner);
    ct_free(owner);
}

/* The shape of an IDX file of bytes that is `len` long; false: it is not one. */
static bool u8_shape(const unsigned char *p, size_t len, ct_dims *shape) {
    if (len < 4 || p[0] || p[1] || p[2] != 8 || p[3] < 1 || p[3] > CT_MAX_DIMS) return false;
    *shape = (ct_dims){.n = p[3]};
    size_t want = 1, head = 4 + 4 * (size_t)p[3];
    if (len < head) return false;
    for (int i = 0; i < p[3]; i++) {
        const unsigned char *q = p + 4 + 4 * i;
        shape->v[i] = (int64_t)q[0] << 24 | q[1] << 16 | q[2] << 8 | q[3];
        if (__builtin_mul_overflow(want, (size_t)shape->v[i], &want)) return false;
    }
    return want && len - head == want;
}

/* Bytes are used where they lie. Any other type, and what is wrong, is for the reader of IDX files. */
static ct_tensor *tensor_of(item *it) {
    ct_dims shape;
    if (!u8_shape(it->bytes.data, it->bytes.len, &shape))
        return it->path ? ct_idx_read(it->path) : ct_tensor_error(CT_BAD_DATA, "%s: is not IDX", it->file->name);
    ct_bytes *owner = ct_alloc(1, sizeof *owner);
    if (!owner) return ct_tensor_failed(CT_NO_MEMORY);
    *owner = it->bytes, it->bytes = (ct_bytes){0};
    return ct_tensor_wrap(CT_U8, shape, (void *)(owner->data + 4 + 4 * shape.n), release, owner);
}

/* The tensor of a role, kept: u8 as it is, else of `other`; stays NULL where no file has that role. */
static ct_status take(const ct_manifest *m, item *items, const char *role, ct_dtype other, ct_tensor **out) {
    for (int i = 0; i < m->n_files; i++) {
        if (strcmp(m->file[i].role, role)) continue;
        ct_tensor *t = tensor_of(&items[i]);
        if (ct_dtype_of(t) != CT_U8) t = ct_to(t, other);
        CT_TRY(ct_source_check(t));
        *out = ct_keep(t);
    }
    return CT_OK;
}

static ct_status take_idx(const ct_manifest *m, const ct_data_args *args, item *items, ct_dataset *d) {
    (void)args; /* there are no coarse labels */
    CT_TRY(take(m, items, "train_x", CT_F32, &d->train.x));
    CT_TRY(take(m, items, "train_y", CT_I64, &d->train.y));
    CT_TRY(take(m, items, "test_x", CT_F32, &d->test.x));
    CT_TRY(take(m, items, "test_y", CT_I64, &d->test.y));
    if (!d->train.x || !d->train.y || !d->test.x != !d->test.y)
        return ct_fail(CT_BAD_SPEC,
                       "%s: the manifest needs files for train_x and train_y, and for both of test_x and "
                       "test_y or neither",
                       m->name);
    return CT_OK;
}

static ct_status take_cifar(const ct_manifest *m, const ct_data_args *args, item *items, ct_dataset *d) {
    if (m->n_files == 1 && m->file[0].packed)
        return ct_source_cifar(m, items[0].path, &items[0].bytes, args->labels, d);
    return ct_fail(CT_BAD_SPEC, "%s: format cifar is one file, with role archive", m->name);
}

static ct_status take_text(const ct_manifest *m, const ct_data_args *args, item *items, ct_dataset *d) {
    if (m->n_files == 1 && !strcmp(m->file[0].role, "text"))
        return ct_source_text(args, items[0].path ? items[0].path : m->name, &items[0].bytes, d);
    return ct_fail(CT_BAD_SPEC, "%s: format text is one file, with role text", m->name);
}

/* How files become samples, a format a row. */
static const struct format {
    const char *name;
    ct_status (*take)(const ct_manifest *m, const ct_data_args *args, item *items, ct_dataset *d);
} formats[] = {{"idx", take_idx}, {"cifar", take_cifar}, {"text", take_text}};

/* The manifest's names of classes become the dataset's. */
static ct_status take_all(ct_manifest *m, const ct_data_args *args, item *items, ct_dataset *d) {
    char ***name = args->labels ? &m->coarse_name : &m->class_name;
    int *classes = args->labels ? &m->coarse : &m->classes;
    for (int i = 0; i < CT_COUNT(formats); i++)
        if (!strcmp(formats[i].name, m->format)) CT_TRY(formats[i].take(m, args, items, d));
    CT_TRY(ct_dataset_files(d, (size_t)m->n_files));
    for (int i = 0; i < m->n_files; i++) {
        if (!(d->file_name[i] = ct_strdup(m->file[i].name))) return CT_NO_MEMORY;
        memcpy(d->file_hash[i], m->file[i].sha256, sizeof d->file_hash[i]); /* which the content was checked against */
    }
    if (!d->class_name) {
        d->classes = *classes, d->class_name = *name;
        *classes = 0, *name = NULL;
    }
    return (d->name = ct_strdup(m->name)) ? CT_OK : CT_NO_MEMORY;
}

ct_status ct_source_manifest(const ct_data_args *args, const char *const *data_dirs, ct_dataset *d) {
    ct_manifest *m;
    CT_TRY(ct_manifest_load(args->dataset ? args->dataset : "digits", &m));
    char **names;
    int classes;
    item *items = ct_alloc((size_t)m->n_files, sizeof *items);
    ct_status s = items ? ct_manifest_classes(m, args->labels, &names, &classes) : CT_NO_MEMORY;
    if (!s) s = read_all(m, args, data_dirs, items);
    if (!s) s = take_all(m, args, items, d);
    for (int i = 0; items && i < m->n_files; i++) {
        ct_bytes_free(&items[i].bytes);
        ct_free(items[i].path), ct_free(items[i].why);
    }
    ct_free(items);
    ct_manifest_free(m);
    return s;
}
