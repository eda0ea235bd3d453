/* The binary version of CIFAR-10 and CIFAR-100: an archive of files of records, each one label (CIFAR-100: the coarse,
   then the fine one) and a sample's bytes, plane after plane (A. Krizhevsky, 2009). */
#include "base/alloc.h"
#include "data/source.h"
#include "file/archive.h"
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 64
#define BYTES_MAX ((int64_t)1 << 30) /* of all that an archive holds */

/* A file of the archive that holds records. */
typedef struct piece {
    char *name;
    bool test;
    int64_t records;
    unsigned char *bytes;
} piece;

typedef struct pieces {
    piece of[FILES_MAX];
    int n;
    int64_t labels, record; /* bytes: of a record's labels, and of all of it */
} pieces;

/* data_batch_1.bin and train.bin are training, test_batch.bin and test.bin are test; anything else is no data. */
static bool is_data(const char *name, bool *test) {
    size_t n = strlen(name);
    if (n < 4 || strcmp(name + n - 4, ".bin")) return false;
    *test = !strncmp(name, "test", 4);
    return *test || !strncmp(name, "data_batch", 10) || !strncmp(name, "train", 5);
}

static ct_status read_piece(ct_archive *a, const char *path, const char *name, int64_t size, pieces *p) {
    piece *it = &p->of[p->n];
    if (!is_data(name, &it->test)) return CT_OK;
    if (p->n == FILES_MAX - 1) return ct_fail(CT_BAD_DATA, "%s: has more than %d files of records", path, p->n);
    if (!size || size % p->record)
        return ct_fail(CT_BAD_DATA, "%s: '%s' in it has %lld bytes, records of %lld were expected", path, name,
                       (long long)size, (long long)p->record);
    p->n++, it->records = size / p->record;
    if (!(it->name = ct_strdup(name)) || !(it->bytes = ct_alloc((size_t)size, 1))) return CT_NO_MEMORY;
    return ct_archive_read(a, it->bytes, size);
}

static ct_status read_pieces(ct_archive *a, const char *path, pieces *p) {
    int64_t left = BYTES_MAX, size;
    for (const char *name;; left -= size) {
        CT_TRY(ct_archive_next(a, left, &name, &size));
        if (!name) return CT_OK;
        CT_TRY(read_piece(a, path, name, size, p));
    }
}

/* An archive's order is any; that of the names is not. */
static int by_name(const void *a, const void *b) { return strcmp(((const piece *)a)->name, ((const piece *)b)->name); }

/* Gathers one part's records, giving back each piece's memory as it goes. label: which of a record's label bytes. */
static ct_status make_part(pieces *p, bool test, const ct_dims *shape, int64_t label, ct_rows *out) {
    ct_dims x = {shape->n + 1, {0}};
    memcpy(x.v + 1, shape->v, (size_t)shape->n * sizeof *x.v);
    for (int i = 0; i < p->n; i++) x.v[0] += p->of[i].test == test ? p->of[i].records : 0;
    if (!x.v[0]) return CT_OK;
    out->x = ct_keep(ct_empty(CT_U8, x)), out->y = ct_keep(ct_empty(CT_U8, CT_DIMS(x.v[0])));
    CT_TRY(ct_source_check(out->x));
    CT_TRY(ct_source_check(out->y));
    unsigned char *to = ct_data(out->x), *y = ct_data(out->y);
    int64_t sample = p->record - p->labels;
    for (int i = 0; i < p->n; i++) {
        piece *it = &p->of[i];
        if (it->test != test) continue;
        for (const unsigned char *r = it->bytes, *end = r + it->records * p->record; r < end; r += p->record) {
            *y++ = r[label];
            memcpy(to, r + p->labels, (size_t)sample);
            to += sample;
        }
        ct_free(it->bytes);
        it->bytes = NULL;
    }
    return CT_OK;
}

static ct_status fill(const ct_manifest *m, ct_archive *a, const char *path, bool coarse, pieces *p, ct_dataset *d) {
    p->labels = m->coarse ? 2 : 1, p->record = p->labels;
    int64_t sample = m->shape.n > 0 && m->shape.n < CT_MAX_DIMS;
    for (int i = 0; i < m->shape.n; i++)
        if (__builtin_mul_overflow(sample, m->shape.v[i], &sample) || sample > BYTES_MAX) sample = 0;
    if (!sample) return ct_fail(CT_BAD_SPEC, "%s: format cifar needs the shape of a sample in the manifest", m->name);
    p->record += sample;
    CT_TRY(read_pieces(a, path, p));
    qsort(p->of, (size_t)p->n, sizeof *p->of, by_name);
    int64_t label = coarse ? 0 : p->labels - 1;
    CT_TRY(make_part(p, false, &m->shape, label, &d->train));
    CT_TRY(make_part(p, true, &m->shape, label, &d->test));
    return d->train.x ? CT_OK : ct_fail(CT_BAD_DATA, "%s: holds no training samples", path);
}

ct_status ct_source_cifar(const ct_manifest *m, const char *path, const ct_bytes *bytes, bool coarse, ct_dataset *d) {
    ct_archive *a;
    CT_TRY(ct_archive_open(path, bytes, &a));
    pieces *p = ct_alloc(1, sizeof *p);
    ct_status s = p ? fill(m, a, path, coarse, p, d) : CT_NO_MEMORY;
    for (int i = 0; p && i < p->n; i++) ct_free(p->of[i].name), ct_free(p->of[i].bytes);
    ct_free(p);
    ct_archive_close(a);
    return s;
}
