#include "base/alloc.h"
#include "base/hash.h"
#include "file/file.h"
#include "file/order.h"
#include "file/safetensors.h"
#include "file/safetensors_format.h"
#include <string.h>

/* A tensor as its bytes will lie in the file. */
typedef struct piece {
    const ct_named *named;
    const ct_safetensors_type *type;
    const void *data;
    size_t begin, len;
    void *packed; /* a copy, where the tensor's own memory will not do; else NULL */
} piece;

typedef struct writer {
    const char *path;
    piece *piece; /* in the order of the data: larger types first, so that all can be mapped */
    int n;
    json_t *root, *meta;
    ct_buf head;
} writer;

static ct_status pack(const writer *w, piece *p) {
    const ct_tensor *t = p->named->tensor;
    size_t numel = (size_t)ct_numel(t), size = ct_dtype_bytes(ct_dtype_of(t));
    p->len = numel * size;
    if (!numel) return CT_OK;
    if (!(p->data = ct_data(t))) return ct_fail(CT_FAIL, "%s: tensor \"%s\" has no data", w->path, p->named->name);
    if (ct_is_contiguous(t) && (size == 1 || ct_order_native(CT_LITTLE))) return CT_OK;
    if (!(p->data = p->packed = ct_alloc(numel, size))) return CT_NO_MEMORY;
    CT_TRY(ct_copy_out(t, ct_dtype_of(t), p->packed));
    ct_order_copy(p->packed, p->packed, (int64_t)numel, size, CT_LITTLE);
    return CT_OK;
}

static ct_status add_piece(writer *w, const ct_named *named, const ct_safetensors_type *type) {
    piece *p = &w->piece[w->n], *before = w->n ? p - 1 : NULL;
    *p = (piece){.named = named, .type = type, .begin = before ? before->begin + before->len : 0};
    w->n++;
    return pack(w, p);
}

static ct_status collect(writer *w, const ct_named *tensor, int n) {
    if (!(w->piece = ct_alloc((size_t)CT_MAX(n, 0), sizeof *w->piece))) return CT_NO_MEMORY;
    for (int i = 0; i < n; i++) {
        const ct_tensor *t = tensor[i].tensor;
        if (ct_why(t)) return ct_fail(t->status, "%s: tensor \"%s\": %s", w->path, tensor[i].name, ct_why(t));
        if (!ct_safetensors_name_ok(tensor[i].name))
            return ct_fail(CT_FAIL, "%s: a tensor's name has control characters", w->path);
        if (!ct_safetensors_type_of(ct_dtype_of(t)))
            return ct_fail(CT_FAIL, "%s: tensor \"%s\" has no dtype", w->path, tensor[i].name);
    }
    for (int bits = 64; bits >= 8; bits /= 2)
        for (int i = 0; i < n; i++) {
            const ct_safetensors_type *type = ct_safetensors_type_of(ct_dtype_of(tensor[i].tensor));
            if (type->bits == bits) CT_TRY(add_piece(w, &tensor[i], type));
        }
    return CT_OK;
}

/* jansson answers a key or string that is not UTF-8 as it answers a lack of memory. */
static ct_status put_json(const writer *w, json_t *object, const char *key, json_t *value) {
    if (json_object_get(object, key)) {
        json_decref(value);
        return ct_fail(CT_FAIL, "%s: \"%s\" is there twice", w->path, key);
    }
    if (!json_object_set_new(object, key, value)) return CT_OK;
    return ct_fail(CT_FAIL, "%s: \"%s\" or its value is not UTF-8 (or there is no memory)", w->path, key);
}

static ct_status put_piece(const writer *w, const piece *p) {
    const ct_tensor *t = p->named->tensor;
    json_t *shape = json_array();
    for (int i = 0; i < ct_ndim(t); i++)
        if (json_array_append_new(shape, json_integer(ct_size(t, i)))) {
            json_decref(shape);
            return ct_fail_memory();
        }
    json_int_t begin = (json_int_t)p->begin, end = (json_int_t)(p->begin + p->len);
    json_t *value =
        json_pack("{s:s, s:o, s:[I, I]}", "dtype", p->type->name, "shape", shape, "data_offsets", begin, end);
    return put_json(w, w->root, p->named->name, value);
}

static ct_status data_digest(const writer *w, char hex[65]) {
    ct_sha256 *h = ct_sha256_new();
    if (!h) return CT_NO_MEMORY;
    for (int i = 0; i < w->n; i++) ct_sha256_add(h, w->piece[i].data, w->piece[i].len);
    return ct_sha256_hex(h, hex);
}

static ct_status build_root(writer *w, const ct_meta *meta, int n_meta) {
    char hex[65];
    w->root = json_object(), w->meta = json_object();
    if (json_object_set_new(w->root, "__metadata__", w->meta)) return ct_fail_memory();
    CT_TRY(data_digest(w, hex));
    CT_TRY(put_json(w, w->meta, "digest", json_string(hex)));
    for (int i = 0; i < n_meta; i++) CT_TRY(put_json(w, w->meta, meta[i].key, json_string(meta[i].value)));
    for (int i = 0; i < w->n; i++) CT_TRY(put_piece(w, &w->piece[i]));
    CT_TRY(ct_safetensors_header_digest(w->root, hex));
    return put_json(w, w->meta, "header_digest", json_string(hex));
}

static int dump_part(const char *text, size_t n, void *head) {
    ct_buf_add(head, text, n);
    return ((ct_buf *)head)->failed ? -1 : 0;
}

/* Length and JSON, padded with spaces so that the data begins at a multiple of 8. */
static ct_status build_head(writer *w) {
    uint64_t len = 0;
    w->head = CT_BUF(CT_SAFETENSORS_HEADER_MAX);
    ct_buf_add(&w->head, &len, sizeof len);
    bool failed = json_dump_callback(w->root, dump_part, &w->head, JSON_COMPACT);
    while (!failed && w->head.len % 8) ct_buf_puts(&w->head, " "), failed = w->head.failed;
    if (failed)
        return ct_fail(CT_FAIL, "%s: its header is over %zu bytes, or out of memory", w->path,
                       CT_SAFETENSORS_HEADER_MAX);
    len = w->head.len - sizeof len;
    ct_order_copy(w->head.data, &len, 1, sizeof len, CT_LITTLE);
    return CT_OK;
}

static ct_status write_file(const writer *w) {
    int fd;
    CT_TRY(ct_file_create(w->path, &fd));
    ct_status status = ct_file_put(w->path, fd, w->head.data, w->head.len);
    for (int i = 0; !status && i < w->n; i++) status = ct_file_put(w->path, fd, w->piece[i].data, w->piece[i].len);
    if (!status) return ct_file_commit(w->path, fd);
    ct_file_drop(w->path, fd);
    return status;
}

ct_status ct_safetensors_write(const char *path, const ct_named *tensor, int n, const ct_meta *meta, int n_meta) {
    writer w = {.path = path};
    ct_status status = collect(&w, tensor, n);
    if (!status) status = build_root(&w, meta, n_meta);
    if (!status) status = build_head(&w);
    if (!status) status = write_file(&w);
    for (int i = 0; i < w.n; i++) ct_free(w.piece[i].packed);
    ct_free(w.piece);
    ct_buf_free(&w.head);
    json_decref(w.root);
    return status;
}
