#include "file/gzip.h"
#define ZLIB_CONST
#include <zlib.h>

bool ct_gzip_is(const ct_bytes *b) { return b->len >= 2 && b->data[0] == 0x1f && b->data[1] == 0x8b; }

static ct_status bad(const char *path, int code, const z_stream *z) {
    if (code == Z_MEM_ERROR) return ct_fail_memory();
    if (code == Z_BUF_ERROR) return ct_fail(CT_BAD_DATA, "%s: its gzip data is truncated", path);
    return ct_fail(CT_BAD_DATA, "%s: its gzip data is damaged: %s", path, z->msg ? z->msg : "it needs a dictionary");
}

#define PART ((size_t)1 << 20)

/* Input is handed over in parts: zlib counts in 32 bits, and what was read need not stay in memory. */
static void feed(z_stream *z, const ct_bytes *in, size_t *at) {
    if (z->avail_in) return;
    ct_bytes_leave(in, *at);
    z->next_in = in->data + *at, z->avail_in = (uInt)CT_MIN(in->len - *at, PART);
    *at += z->avail_in;
}

static ct_status next_member(const char *path, z_stream *z, const ct_bytes *in, size_t left) {
    ct_bytes rest = {in->data + in->len - left, left, NULL};
    if (!ct_gzip_is(&rest)) return ct_fail(CT_BAD_DATA, "%s: %zu bytes follow its gzip data", path, left);
    inflateReset(z);
    return CT_OK;
}

ct_status ct_gzip_unzip(const char *path, const ct_bytes *in, bool whole, ct_buf *out) {
    z_stream z = {0};
    unsigned char chunk[1 << 15];
    size_t at = 0;
    if (inflateInit2(&z, 15 + 16) != Z_OK) return ct_fail_memory();
    ct_status status = CT_OK;
    while (!status) {
        feed(&z, in, &at);
        z.next_out = chunk, z.avail_out = sizeof chunk;
        int code = inflate(&z, Z_NO_FLUSH);
        size_t n = sizeof chunk - z.avail_out, room = out->limit - out->len, left = in->len - at + z.avail_in;
        ct_buf_add(out, chunk, CT_MIN(n, room));
        if (out->failed)
            status = ct_fail_memory();
        else if (!whole && n >= room)
            break;
        else if (n > room)
            status = ct_fail(CT_BAD_DATA, "%s: unzips to more than the %zu bytes expected", path, out->limit);
        else if (code == Z_STREAM_END && !left)
            break;
        else if (code == Z_STREAM_END)
            status = next_member(path, &z, in, left);
        else if (code != Z_OK)
            status = bad(path, code, &z);
    }
    inflateEnd(&z);
    return status;
}
