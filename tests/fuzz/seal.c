/* Damage that check sums would show at once hides what lies behind it: here they are made right again. */
#include "base/hash.h"
#include "file/safetensors_format.h"
#include "fuzz.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static uint32_t big(const char *p) {
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

void fuzz_seal_png(ct_buf *file) {
    size_t at = 8;
    while (at + 12 <= file->len) {
        size_t n = big(file->data + at);
        if (n > file->len - at - 12) break;
        uint32_t crc = (uint32_t)crc32(0, (const unsigned char *)file->data + at + 4, (unsigned)n + 4);
        for (int i = 0; i < 4; i++) file->data[at + 8 + n + (size_t)i] = (char)(crc >> (24 - 8 * i));
        at += 12 + n;
    }
}

static void set_digest(json_t *root, const void *data, size_t len) {
    char hex[65];
    json_t *meta = json_object_get(root, "__metadata__");
    if (!json_is_object(meta)) return;
    if (!ct_sha256_of(data, len, hex)) json_object_set_new(meta, "digest", json_string(hex));
    json_object_del(meta, "header_digest");
    if (!ct_safetensors_header_digest(root, hex)) json_object_set_new(meta, "header_digest", json_string(hex));
}

void fuzz_seal_safetensors(ct_buf *file) {
    uint64_t n = 0;
    if (file->len < 8) return;
    for (int i = 7; i >= 0; i--) n = n << 8 | (unsigned char)file->data[i];
    if (n > file->len - 8) return;
    json_t *root = json_loadb(file->data + 8, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
    const char *data = file->data + 8 + n;
    size_t len = file->len - 8 - (size_t)n;
    set_digest(root, data, len);
    char *text = json_dumps(root, JSON_COMPACT), size[8];
    json_decref(root);
    if (!text) return;
    ct_buf sealed = CT_BUF(file->limit);
    for (int i = 0; i < 8; i++) size[i] = (char)(strlen(text) >> (8 * i));
    ct_buf_add(&sealed, size, 8);
    ct_buf_puts(&sealed, text);
    ct_buf_add(&sealed, data, len);
    free(text);
    ct_buf_free(file);
    *file = sealed;
}
