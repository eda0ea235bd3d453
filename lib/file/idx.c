#include "file/idx.h"
#include "base/alloc.h"
#include "file/file.h"
#include "file/order.h"
#include <string.h>

/* The type's byte, its bytes a number in the file, and what it becomes here. A tensor is written as the first row of
   its dtype that needs no widening. */
static const struct type {
    unsigned char code;
    size_t bytes;
    ct_dtype dtype;
} types[] = {{0x08, 1, CT_U8},  {0x09, 1, CT_I32}, {0x0B, 2, CT_I32},
             {0x0C, 4, CT_I32}, {0x0D, 4, CT_F32}, {0x0E, 8, CT_F64}};

#define HEAD_MAX (4 + 4 * CT_MAX_DIMS)

typedef struct header {
    const struct type *type;
    ct_dims shape;
    int64_t numel;
    size_t start, total; /* bytes before the data, and of the whole file */
} header;

/* A size of 0 is refused: then no change of a single byte of the dims can describe a file of the same length. */
static ct_status parse_dims(const char *path, const unsigned char *p, header *h) {
    h->numel = 1;
    for (int i = 0; i < h->shape.n; i++, p += 4) {
        uint32_t size = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        if (!size) return ct_fail(CT_BAD_DATA, "%s: dimension %d of the IDX data is 0", path, i);
        h->shape.v[i] = size;
        if (__builtin_mul_overflow(h->numel, (int64_t)size, &h->numel) || h->numel > INT64_MAX / 16)
            return ct_fail(CT_BAD_DATA, "%s: the IDX header's dimensions are too large together", path);
    }
    size_t data;
    if (__builtin_mul_overflow((size_t)h->numel, h->type->bytes, &data) ||
        __builtin_add_overflow(data, h->start, &h->total))
        return ct_fail(CT_BAD_DATA, "%s: the IDX header's dimensions are too large together", path);
    return CT_OK;
}

static ct_status parse(const char *path, const unsigned char *p, size_t len, header *h) {
    *h = (header){0};
    if (len < 4) return ct_fail(CT_BAD_DATA, "%s: has %zu bytes, too few for an IDX header", path, len);
    if (p[0] || p[1])
        return ct_fail(CT_BAD_DATA, "%s: starts with bytes %02x %02x, an IDX file starts with 00 00", path, p[0], p[1]);
    for (int i = 0; i < CT_COUNT(types); i++)
        if (types[i].code == p[2]) h->type = &types[i];
    if (!h->type) return ct_fail(CT_BAD_DATA, "%s: 0x%02x is not one of IDX's types", path, p[2]);
    if (p[3] < 1 || p[3] > CT_MAX_DIMS)
        return ct_fail(CT_BAD_DATA, "%s: has %d dimensions, 1 to %d were expected", path, p[3], CT_MAX_DIMS);
    h->shape.n = p[3];
    h->start = 4 + 4 * (size_t)p[3];
    if (len < h->start)
        return ct_fail(CT_BAD_DATA, "%s: has %zu bytes, its IDX header alone has %zu", path, len, h->start);
    return parse_dims(path, p + 4, h);
}

static void release_bytes(void *owner) {
    ct_bytes_free(owner);
    ct_free(owner);
}

/* u8 needs no conversion: the tensor is the file's memory itself. Takes `bytes` over. */
static ct_tensor *share(const header *h, ct_bytes *bytes) {
    ct_bytes *owner = ct_alloc(1, sizeof *owner);
    if (!owner) {
        ct_bytes_free(bytes);
        return ct_tensor_failed(CT_NO_MEMORY);
    }
    *owner = *bytes;
    return ct_tensor_wrap(h->type->dtype, h->shape, (void *)(bytes->data + h->start), release_bytes, owner);
}

static void decode(const header *h, const unsigned char *p, void *out) {
    int32_t *wide = out;
    if (h->type->code == 0x09)
        for (int64_t i = 0; i < h->numel; i++) wide[i] = (int8_t)p[i];
    else if (h->type->code == 0x0B)
        for (int64_t i = 0; i < h->numel; i++) wide[i] = (int16_t)(p[2 * i] << 8 | p[2 * i + 1]);
    else
        ct_order_copy(out, p, h->numel, h->type->bytes, CT_BIG);
}

static ct_tensor *convert(const header *h, ct_bytes *bytes) {
    ct_tensor *t = ct_empty(h->type->dtype, h->shape);
    if (!ct_why(t)) decode(h, bytes->data + h->start, ct_data(t));
    ct_bytes_free(bytes);
    return t;
}

ct_tensor *ct_idx_read(const char *path) {
    unsigned char head[HEAD_MAX];
    size_t got;
    header h;
    ct_bytes bytes = {0};
    ct_status status = ct_file_head(path, head, sizeof head, &got);
    if (!status) status = parse(path, head, got, &h);
    if (!status) status = ct_file_read(path, h.total, &bytes);
    if (!status && bytes.len != h.total)
        status = ct_fail(CT_BAD_DATA, "%s: has %zu bytes, its IDX header says %zu", path, bytes.len, h.total);
    if (status) {
        ct_bytes_free(&bytes);
        return ct_tensor_failed(status);
    }
    return h.type->dtype == CT_U8 ? share(&h, &bytes) : convert(&h, &bytes);
}

static ct_status write_header(const char *path, const ct_tensor *t, unsigned char *head) {
    const struct type *type = NULL;
    for (int i = CT_COUNT(types) - 1; i >= 0; i--)
        if (types[i].dtype == ct_dtype_of(t) && types[i].bytes == ct_dtype_bytes(ct_dtype_of(t))) type = &types[i];
    if (!type) return ct_fail(CT_FAIL, "%s: IDX has no type for %s", path, ct_dtype_name(ct_dtype_of(t)));
    if (ct_ndim(t) < 1) return ct_fail(CT_FAIL, "%s: IDX needs at least one dimension", path);
    head[0] = head[1] = 0, head[2] = type->code, head[3] = (unsigned char)ct_ndim(t);
    for (int i = 0; i < ct_ndim(t); i++) {
        int64_t size = ct_size(t, i);
        if (size < 1 || size > UINT32_MAX)
            return ct_fail(CT_FAIL, "%s: dimension %d has size %lld, IDX holds 1 to 2^32 - 1", path, i,
                           (long long)size);
        for (int k = 0; k < 4; k++) head[4 + 4 * i + k] = (unsigned char)(size >> (24 - 8 * k));
    }
    return CT_OK;
}

static ct_status write_all(const char *path, const void *head, size_t n_head, const void *data, size_t n) {
    int fd;
    CT_TRY(ct_file_create(path, &fd));
    ct_status status = ct_file_put(path, fd, head, n_head);
    if (!status) status = ct_file_put(path, fd, data, n);
    if (!status) return ct_file_commit(path, fd);
    ct_file_drop(path, fd);
    return status;
}

ct_status ct_idx_write(const char *path, const ct_tensor *t) {
    unsigned char head[HEAD_MAX];
    if (ct_why(t)) return ct_fail(t->status, "%s", ct_why(t));
    CT_TRY(write_header(path, t, head));
    size_t start = 4 + 4 * (size_t)ct_ndim(t), size = ct_dtype_bytes(ct_dtype_of(t)), numel = (size_t)ct_numel(t);
    void *data = ct_alloc(numel, size);
    if (!data) return CT_NO_MEMORY;
    ct_status status = ct_copy_out(t, ct_dtype_of(t), data);
    ct_order_copy(data, data, (int64_t)numel, size, CT_BIG);
    if (!status) status = write_all(path, head, start, data, numel * size);
    ct_free(data);
    return status;
}
