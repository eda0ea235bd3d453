/* A dataset out of a folder of PNG files: listed, split, decoded in parallel. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "data/content.h"
#include "data/folder.h"
#include "data/loader.h"
#include "data/source.h"
#include "file/file.h"
#include "file/png.h"
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What became of one image; the message is carried from the thread that met it. */
typedef struct result {
    ct_status status;
    char *why;
} result;

typedef struct images {
    ct_folder folder;
    ct_dataset *d;
    bool skip;                /* damaged images are left out */
    int64_t c, h, w;          /* of every image, once decoded */
    const char *masks;        /* their folder; NULL: an image has a class */
    unsigned char *pixels[2]; /* of training and of test images, until tensors take them over */
    unsigned char *target[2]; /* an i64, or a mask of an image's size, each */
    size_t target_size;       /* of one, in bytes */
    result *result;
    _Atomic int64_t first_bad; /* no image after it matters any more, unless `skip` */
} images;

static ct_status full_path(const char *dir, const char *name, char out[PATH_MAX]) {
    if (snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX) return CT_OK;
    return ct_fail(CT_FAIL, "%s/%s: the path is too long", dir, name);
}

/* ---- before decoding ---- */

/* Size and channels that args leave open are those of the first image that can be read. */
static ct_status decide_shape(images *m, const ct_data_args *args) {
    int64_t hwc[3] = {0};
    char path[PATH_MAX];
    if (!args->size[0] || !args->size[1] || !args->channels) {
        ct_status s = CT_BAD_DATA;
        for (size_t i = 0; s == CT_BAD_DATA && i < (m->skip ? m->folder.n : 1); i++) {
            CT_TRY(full_path(m->folder.dir, m->folder.image[i].path, path));
            s = ct_image_size(path, hwc);
        }
        CT_TRY(s);
    }
    m->h = args->size[0] ? args->size[0] : hwc[0];
    m->w = args->size[1] ? args->size[1] : hwc[1];
    m->c = args->channels ? args->channels : hwc[2];
    return CT_OK;
}

ct_status ct_images_known(const ct_data_args *args, ct_dims *chw, size_t *n, int *classes) {
    images m = {.skip = args->on_bad == 1};
    ct_status status = ct_folder_list(args->images, !args->masks, &m.folder);
    if (!status) status = decide_shape(&m, args);
    if (!status) *chw = (ct_dims){3, {m.c, m.h, m.w}}, *n = m.folder.n, *classes = m.folder.classes;
    ct_folder_free(&m.folder);
    return status;
}

/* Where the folder has no test part, moves a fraction of each class to the end: the test images. */
static ct_status hold_out(ct_folder *f, double fraction, uint64_t seed) {
    if (f->has_test) return CT_OK;
    int64_t *label = ct_alloc(f->n, sizeof *label);
    bool *held = ct_alloc(f->n, sizeof *held);
    ct_image_file *part[2] = {ct_alloc(f->n, sizeof *part[0]), ct_alloc(f->n, sizeof *part[1])};
    size_t n[2] = {0, 0};
    ct_status s = label && held && part[0] && part[1] ? CT_OK : CT_NO_MEMORY;
    for (size_t i = 0; !s && i < f->n; i++) label[i] = f->image[i].label;
    if (!s) s = ct_stratify(label, (int64_t)f->n, CT_MAX(f->classes, 1), fraction, seed, "test", held);
    for (size_t i = 0; !s && i < f->n; i++) part[held[i]][n[held[i]]++] = f->image[i];
    if (!s) {
        memcpy(f->image, part[0], n[0] * sizeof *f->image);
        memcpy(f->image + n[0], part[1], n[1] * sizeof *f->image);
        f->n_train = n[0];
    }
    ct_free(label), ct_free(held), ct_free(part[0]), ct_free(part[1]);
    return s;
}

/* ---- decoding ---- */

/* The mask of image i, which is at `path`. */
static ct_status decode_mask(images *m, int64_t i, const char *path, unsigned char *out) {
    const ct_folder *f = &m->folder;
    int64_t own[2], hwc[3];
    char mask[PATH_MAX];
    CT_TRY(full_path(m->masks, f->image[i].path, mask));
    if (access(mask, F_OK)) return ct_fail(CT_FAIL, "%s: has no mask: %s is not there", path, mask);
    CT_TRY(ct_file_sha256(mask, m->d->file_hash[f->n + f->n_lists + (size_t)i]));
    CT_TRY(ct_png_mask(mask, m->h, m->w, own, out));
    CT_TRY(ct_image_size(path, hwc));
    if (own[0] == hwc[0] && own[1] == hwc[1]) return CT_OK;
    return ct_fail(CT_BAD_DATA, "%s: is %lld x %lld, and its mask %s %lld x %lld", path, (long long)hwc[0],
                   (long long)hwc[1], mask, (long long)own[0], (long long)own[1]);
}

static ct_status decode_one(images *m, int64_t i) {
    char path[PATH_MAX];
    int64_t n_train = (int64_t)m->folder.n_train, p = i >= n_train, at = p ? i - n_train : i;
    CT_TRY(full_path(m->folder.dir, m->folder.image[i].path, path));
    CT_TRY(ct_file_sha256(path, m->d->file_hash[i]));
    CT_TRY(ct_png_decode(path, m->c, m->h, m->w, m->pixels[p] + at * m->c * m->h * m->w));
    unsigned char *target = m->target[p] + (size_t)at * m->target_size;
    if (m->masks) return decode_mask(m, i, path, target);
    *(int64_t *)(void *)target = m->folder.image[i].label;
    return CT_OK;
}

static void decode_some(void *ctx, int64_t begin, int64_t end) {
    images *m = ctx;
    for (int64_t i = begin; i < end; i++) {
        if (!m->skip && i > atomic_load(&m->first_bad)) return;
        result *r = &m->result[i];
        r->status = decode_one(m, i);
        if (!r->status) continue;
        if (!(r->why = ct_strdup(ct_error()))) r->status = CT_NO_MEMORY;
        int64_t first = atomic_load(&m->first_bad);
        while (i < first && !atomic_compare_exchange_weak(&m->first_bad, &first, i)) {}
    }
}

/* The first error that ends the loading: any but a damaged file that is to be skipped. */
static ct_status decode_all(images *m) {
    int64_t n = (int64_t)m->folder.n;
    atomic_store(&m->first_bad, INT64_MAX);
    ct_parallel(n, 16, decode_some, m);
    for (int64_t i = 0; i < n; i++) {
        const result *r = &m->result[i];
        if (!r->status || (m->skip && r->status == CT_BAD_DATA)) continue;
        return ct_fail(r->status, "%s", r->why ? r->why : "out of memory");
    }
    return CT_OK;
}

/* ---- after decoding ---- */

/* Names of all that the fingerprint covers: the images, then the lists of labels, or the masks. */
static ct_status name_files(images *m) {
    const ct_folder *f = &m->folder;
    char path[PATH_MAX];
    for (size_t i = 0; i < f->n; i++)
        if (!(m->d->file_name[i] = ct_strdup(f->image[i].path))) return CT_NO_MEMORY;
    for (size_t i = 0; i < f->n_lists; i++) {
        if (!(m->d->file_name[f->n + i] = ct_strdup(f->list[i]))) return CT_NO_MEMORY;
        CT_TRY(full_path(f->dir, f->list[i], path));
        CT_TRY(ct_file_sha256(path, m->d->file_hash[f->n + i]));
    }
    for (size_t i = 0; m->masks && i < f->n; i++)
        if (!(m->d->file_name[f->n + f->n_lists + i] = ct_content_path("masks", f->image[i].path, "")))
            return CT_NO_MEMORY;
    return CT_OK;
}

static void move_row(unsigned char *rows, size_t to, size_t from, size_t size) {
    if (to != from) memcpy(rows + to * size, rows + from * size, size);
}

/* Closes the gaps that skipped images left in one part; *n images remain. Their paths move to `part`. */
static void gather_part(images *m, int p, ct_rows *part, int64_t *n) {
    ct_folder *f = &m->folder;
    size_t begin = p ? f->n_train : 0, end = p ? f->n : f->n_train, size = (size_t)(m->c * m->h * m->w);
    *n = 0;
    for (size_t i = begin; i < end; i++) {
        if (m->result[i].status) {
            m->d->skipped_file[m->d->skipped++] = m->result[i].why;
            m->result[i].why = NULL;
            continue;
        }
        move_row(m->pixels[p], (size_t)*n, i - begin, size);
        move_row(m->target[p], (size_t)*n, i - begin, m->target_size);
        part->file[(*n)++] = f->image[i].path;
        f->image[i].path = NULL;
    }
}

/* One part's tensors; none where it has no images. */
static ct_status make_part(images *m, int p, ct_rows *part) {
    size_t room = p ? m->folder.n - m->folder.n_train : m->folder.n_train;
    int64_t n;
    if (!room) return CT_OK;
    if (!(part->file = ct_alloc(room + 1, sizeof *part->file))) return CT_NO_MEMORY;
    gather_part(m, p, part, &n);
    part->x = ct_tensor_wrap(CT_U8, CT_DIMS(n, m->c, m->h, m->w), m->pixels[p], NULL, NULL);
    part->y = m->masks ? ct_tensor_wrap(CT_U8, CT_DIMS(n, m->h, m->w), m->target[p], NULL, NULL)
                       : ct_tensor_wrap(CT_I64, CT_DIMS(n), m->target[p], NULL, NULL);
    m->pixels[p] = m->target[p] = NULL;
    ct_keep(part->x), ct_keep(part->y);
    CT_TRY(ct_source_check(part->x));
    CT_TRY(ct_source_check(part->y));
    return n ? CT_OK : ct_fail(CT_BAD_DATA, "%s: all %s images are damaged", m->folder.dir, p ? "test" : "training");
}

/* The last component of the folder's path. */
static char *name_of(const char *dir) {
    size_t end = strlen(dir), begin;
    while (end > 1 && dir[end - 1] == '/') end--;
    for (begin = end; begin && dir[begin - 1] != '/'; begin--) {}
    char *name = ct_alloc(end - begin + 1, 1);
    if (name) memcpy(name, dir + begin, end - begin);
    return name;
}

static ct_status load(images *m, const ct_data_args *args, uint64_t seed) {
    ct_folder *f = &m->folder;
    CT_TRY(ct_folder_list(args->images, !args->masks, f));
    CT_TRY(decide_shape(m, args));
    CT_TRY(hold_out(f, args->test, seed));
    CT_TRY(ct_dataset_files(m->d, f->n + f->n_lists + (m->masks ? f->n : 0)));
    size_t size = (size_t)(m->c * m->h * m->w);
    m->target_size = m->masks ? (size_t)(m->h * m->w) : sizeof(int64_t);
    m->result = ct_alloc(f->n, sizeof *m->result);
    m->d->skipped_file = ct_alloc(f->n, sizeof *m->d->skipped_file);
    for (int p = 0; p < 2; p++) {
        size_t n = p ? f->n - f->n_train : f->n_train;
        m->pixels[p] = ct_alloc_aligned(n, size), m->target[p] = ct_alloc_aligned(n, m->target_size);
        if (!m->pixels[p] || !m->target[p]) return CT_NO_MEMORY;
    }
    if (!m->result || !m->d->skipped_file) return CT_NO_MEMORY;
    CT_TRY(decode_all(m));
    CT_TRY(name_files(m));
    m->d->classes = f->classes, m->d->class_name = f->class_name;
    f->classes = 0, f->class_name = NULL;
    CT_TRY(make_part(m, 0, &m->d->train));
    CT_TRY(make_part(m, 1, &m->d->test));
    if (m->masks) CT_TRY(ct_masks_classes(args, m->d));
    return (m->d->name = name_of(f->dir)) ? CT_OK : CT_NO_MEMORY;
}

ct_status ct_source_images(const ct_data_args *args, uint64_t seed, ct_dataset *d) {
    images m = {.d = d, .skip = args->on_bad == 1, .masks = args->masks};
    ct_status s = load(&m, args, seed);
    for (size_t i = 0; m.result && i < m.folder.n; i++) ct_free(m.result[i].why);
    for (int p = 0; p < 2; p++) ct_free(m.pixels[p]), ct_free(m.target[p]);
    ct_free(m.result);
    ct_folder_free(&m.folder);
    return s;
}
