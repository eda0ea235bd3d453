#include "file/safetensors.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "file/file.h"
#include "file/order.h"
#include "file/safetensors_format.h"
#include <stdlib.h>
#include <string.h>

/* The mapped file, shared by the reader and the tensors got from it. */
typedef struct file {
    _Atomic int refs;
    ct_bytes bytes;
} file;

typedef struct entry {
    const char *name; /* belongs to the header */
    const ct_safetensors_type *type;
    ct_dims shape;
    int64_t numel;
    size_t begin, end; /* in the data part */
    int index;         /* in the header */
} entry;

struct ct_safetensors {
    char *path;
    file *file;
    const unsigned char *data;
    size_t data_len;
    json_t *root;
    json_t *meta; /* NULL: none */
    entry *entry;
    int n;
};

static void file_unref(void *owner) {
    file *f = owner;
    if (atomic_fetch_sub(&f->refs, 1) != 1) return;
    ct_bytes_free(&f->bytes);
    ct_free(f);
}

/* ---- opening ---- */

/* Sizes of 0 count as 1 here, so that strides stay in range too. */
static ct_status read_shape(const ct_safetensors *s, const json_t *shape, entry *e) {
    int64_t room = 1;
    size_t n = json_array_size(shape);
    if (!json_is_array(shape) || n > CT_MAX_DIMS)
        return ct_fail(CT_BAD_DATA, "%s: tensor \"%s\": shape is not a list of at most %d sizes", s->path, e->name,
                       CT_MAX_DIMS);
    e->shape.n = (int)n, e->numel = 1;
    for (int i = 0; i < e->shape.n; i++) {
        const json_t *v = json_array_get(shape, (size_t)i);
        int64_t size = json_is_integer(v) ? json_integer_value(v) : -1;
        if (size < 0 || __builtin_mul_overflow(room, CT_MAX(size, 1), &room) || room > INT64_MAX / 64)
            return ct_fail(CT_BAD_DATA, "%s: tensor \"%s\": size %d of its shape is no number that can be", s->path,
                           e->name, i);
        e->shape.v[i] = size, e->numel *= size;
    }
    return CT_OK;
}

static ct_status read_entry(ct_safetensors *s, const char *name, json_t *value, entry *e) {
    const char *type;
    json_t *shape;
    json_int_t begin, end;
    *e = (entry){.name = name, .index = s->n};
    if (!ct_safetensors_name_ok(name))
        return ct_fail(CT_BAD_DATA, "%s: a tensor's name has control characters", s->path);
    if (json_unpack(value, "{s:s, s:o, s:[I, I!]!}", "dtype", &type, "shape", &shape, "data_offsets", &begin, &end))
        return ct_fail(CT_BAD_DATA, "%s: tensor \"%s\": {dtype, shape, data_offsets: [begin, end]} was expected",
                       s->path, name);
    if (!(e->type = ct_safetensors_type_named(type)))
        return ct_fail(CT_BAD_DATA, "%s: tensor \"%s\": unknown dtype", s->path, name);
    CT_TRY(read_shape(s, shape, e));
    if (begin < 0 || end < begin || (uintmax_t)end > s->data_len)
        return ct_fail(CT_BAD_DATA, "%s: tensor \"%s\": data_offsets [%lld, %lld] are not within the %zu bytes of data",
                       s->path, name, (long long)begin, (long long)end, s->data_len);
    e->begin = (size_t)begin, e->end = (size_t)end;
    int64_t bits = e->numel * e->type->bits;
    if (bits % 8 || (uint64_t)bits / 8 != e->end - e->begin)
        return ct_fail(CT_BAD_DATA, "%s: tensor \"%s\": has %zu bytes, its shape and dtype need %lld bits", s->path,
                       name, e->end - e->begin, (long long)bits);
    return CT_OK;
}

static int by_offset(const void *x, const void *y) {
    const entry *a = x, *b = y;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* The tensors lie one after the other, and there is nothing else. */
static ct_status check_cover(ct_safetensors *s) {
    size_t at = 0;
    qsort(s->entry, (size_t)s->n, sizeof *s->entry, by_offset);
    for (int i = 0; i < s->n; at = s->entry[i++].end)
        if (s->entry[i].begin != at)
            return ct_fail(CT_BAD_DATA, "%s: tensor \"%s\": begins at byte %zu of the data, %zu was expected", s->path,
                           s->entry[i].name, s->entry[i].begin, at);
    if (at != s->data_len)
        return ct_fail(CT_BAD_DATA, "%s: has %zu bytes of data, its header describes %zu", s->path, s->data_len, at);
    return CT_OK;
}

static ct_status read_meta(ct_safetensors *s) {
    const char *key, *digest;
    json_t *value;
    char want[65] = "", got[65];
    s->meta = json_object_get(s->root, "__metadata__");
    if (!s->meta) return CT_OK;
    if (!json_is_object(s->meta)) return ct_fail(CT_BAD_DATA, "%s: __metadata__ is not a map of strings", s->path);
    json_object_foreach(s->meta, key, value) {
        if (!json_is_string(value)) return ct_fail(CT_BAD_DATA, "%s: __metadata__ is not a map of strings", s->path);
    }
    if (!(digest = ct_safetensors_meta(s, "header_digest"))) return CT_OK;
    if (strlen(digest) < sizeof want) strcpy(want, digest);
    json_object_del(s->meta, "header_digest");
    CT_TRY(ct_safetensors_header_digest(s->root, got));
    if (strcmp(got, want))
        return ct_fail(CT_BAD_DATA, "%s: its header was changed: it does not match its digest", s->path);
    return CT_OK;
}

static ct_status read_entries(ct_safetensors *s) {
    const char *name;
    json_t *value;
    if (!json_is_object(s->root)) return ct_fail(CT_BAD_DATA, "%s: its header is not a JSON object", s->path);
    CT_TRY(read_meta(s));
    if (!(s->entry = ct_alloc(json_object_size(s->root), sizeof *s->entry))) return CT_NO_MEMORY;
    json_object_foreach(s->root, name, value) {
        if (value == s->meta) continue;
        CT_TRY(read_entry(s, name, value, &s->entry[s->n]));
        s->n++;
    }
    return check_cover(s);
}

static ct_status parse_header(ct_safetensors *s, const char *text, size_t len) {
    json_error_t error;
    s->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (s->root) return CT_OK;
    enum json_error_code code = json_error_code(&error);
    if (code == json_error_out_of_memory) return ct_fail_memory();
    if (code == json_error_duplicate_key) return ct_fail(CT_BAD_DATA, "%s: its header names something twice", s->path);
    return ct_fail(CT_BAD_DATA, "%s: its header is not valid JSON (at byte %d)", s->path, error.position);
}

#define FROM_PYTORCH "a file of torch.save (in Python, safetensors.torch.save_file writes a state dict as safetensors)"
/* What others keep weights in, by how it begins. */
static const struct {
    const char *start, *is;
} foreign[] = {{"PK\3\4", FROM_PYTORCH}, {"\x80\2", FROM_PYTORCH}, {"\x89HDF", "HDF5"}, {"GGUF", "GGUF"}};

static ct_status no_safetensors(const char *path, const ct_bytes *b, uint64_t header) {
    for (int i = 0; i < CT_COUNT(foreign); i++)
        if (!memcmp(b->data, foreign[i].start, strlen(foreign[i].start)))
            return ct_fail(CT_BAD_DATA, "%s: a safetensors file was expected, this is %s", path, foreign[i].is);
    return ct_fail(CT_BAD_DATA,
                   "%s: is no safetensors file, or truncated: its header would have %llu bytes, "
                   "after its length the file has %zu (and a header at most %zu)",
                   path, (unsigned long long)header, b->len - 8, CT_SAFETENSORS_HEADER_MAX);
}

static ct_status open_file(ct_safetensors *s, const char *path) {
    uint64_t len;
    if (!(s->path = ct_strdup(path)) || !(s->file = ct_alloc(1, sizeof *s->file))) return CT_NO_MEMORY;
    s->file->refs = 1;
    CT_TRY(ct_file_map(path, &s->file->bytes));
    const ct_bytes *b = &s->file->bytes;
    if (b->len < 8) return ct_fail(CT_BAD_DATA, "%s: has %zu bytes, too few for a safetensors file", path, b->len);
    ct_order_copy(&len, b->data, 1, 8, CT_LITTLE);
    if (len > CT_SAFETENSORS_HEADER_MAX || len > b->len - 8) return no_safetensors(path, b, len);
    s->data = b->data + 8 + len, s->data_len = b->len - 8 - (size_t)len;
    CT_TRY(parse_header(s, (const char *)b->data + 8, (size_t)len));
    return read_entries(s);
}

ct_status ct_safetensors_open(const char *path, ct_safetensors **out) {
    *out = NULL;
    ct_safetensors *s = ct_alloc(1, sizeof *s);
    if (!s) return CT_NO_MEMORY;
    ct_status status = open_file(s, path);
    if (status)
        ct_safetensors_close(s);
    else
        *out = s;
    return status;
}

void ct_safetensors_close(ct_safetensors *s) {
    if (!s) return;
    if (s->file) file_unref(s->file);
    json_decref(s->root);
    ct_free(s->entry);
    ct_free(s->path);
    ct_free(s);
}

/* ---- what is in it ---- */

int ct_safetensors_count(const ct_safetensors *s) { return s->n; }

const char *ct_safetensors_name(const ct_safetensors *s, int i) { return i >= 0 && i < s->n ? s->entry[i].name : NULL; }

static const entry *find(const ct_safetensors *s, const char *name) {
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->entry[i].name, name)) return &s->entry[i];
    return NULL;
}

bool ct_safetensors_has(const ct_safetensors *s, const char *name) { return find(s, name); }

const char *ct_safetensors_meta(const ct_safetensors *s, const char *key) {
    return json_string_value(json_object_get(s->meta, key));
}

/* As it lies in the file, where order and alignment allow. */
static bool can_map(const entry *e, const unsigned char *p) {
    size_t size = ct_dtype_bytes(e->type->dtype);
    return e->numel && !e->type->widen && (size == 1 || ct_order_native(CT_LITTLE)) && (uintptr_t)p % size == 0;
}

static ct_tensor *copy(const entry *e, const unsigned char *p) {
    ct_tensor *t = ct_empty(e->type->dtype, e->shape);
    if (ct_why(t) || !e->numel) return t;
    if (e->type->widen)
        e->type->widen(ct_data(t), p, e->numel);
    else
        ct_order_copy(ct_data(t), p, e->numel, ct_dtype_bytes(e->type->dtype), CT_LITTLE);
    return t;
}

ct_tensor *ct_safetensors_get(ct_safetensors *s, const char *name) {
    const entry *e = find(s, name);
    if (!e) return ct_tensor_error(CT_BAD_DATA, "%s: has no tensor \"%s\"", s->path, name);
    if (e->type->dtype == CT_NONE)
        return ct_tensor_error(CT_BAD_DATA, "%s: tensor \"%s\" is of dtype %s, which cannot be read", s->path, name,
                               e->type->name);
    const unsigned char *p = s->data + e->begin;
    if (e->type->dtype == CT_BOOL)
        for (int64_t i = 0; i < e->numel; i++)
            if (p[i] > 1)
                return ct_tensor_error(CT_BAD_DATA, "%s: tensor \"%s\" is BOOL, but has a byte %d", s->path, name,
                                       p[i]);
    if (!can_map(e, p)) return copy(e, p);
    s->file->refs++;
    return ct_tensor_wrap(e->type->dtype, e->shape, (void *)p, file_unref, s->file);
}

ct_status ct_safetensors_verify(ct_safetensors *s) {
    char hex[65];
    const char *want = ct_safetensors_meta(s, "digest");
    if (!want) return CT_OK;
    CT_TRY(ct_sha256_of(s->data, s->data_len, hex));
    return strcmp(hex, want) ? ct_fail(CT_BAD_DATA, "%s: its data was changed: it does not match its digest", s->path)
                             : CT_OK;
}
