#include "data/tokenizer.h"
#include "base/alloc.h"
#include "yaml/doc.h"
#include <stdio.h>
#include <string.h>

#define BYTES 256
#define CODES 0x110000 /* Unicode's code points */
#define MOST 100000    /* tokens, as classes */
#define NO_CODE UINT32_MAX

/* The code point at p, which ends before `end`, and its bytes in *n; NO_CODE where it is no UTF-8. */
static uint32_t code_at(const unsigned char *p, const unsigned char *end, int *n) {
    uint32_t code;
    *n = ct_utf8_read((const char *)p, (size_t)(end - p), &code);
    return *n ? code : NO_CODE;
}

static int put_code(uint32_t code, char out[4]) {
    int n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(n == 1 ? code : (0xf00u >> n & 0xff) | code);
    return n;
}

static ct_status no_utf8(const char *name, size_t at, unsigned char byte) {
    return ct_fail(CT_BAD_DATA, "%s: byte %zu (0x%02x) is no UTF-8; tokenizer: byte reads any file", name, at, byte);
}

/* Counts in *n the codes below CODES that are marked in seen, and lists them. */
static ct_status list_codes(const char *name, const unsigned char *seen, ct_tokenizer *out) {
    int n = 0;
    for (uint32_t c = 0; c < CODES; c++) n += seen[c];
    if (!n) return ct_fail(CT_BAD_DATA, "%s: is empty", name);
    if (n > MOST)
        return ct_fail(CT_BAD_DATA, "%s: has %d different characters, at most %d fit; tokenizer: byte has 256 tokens",
                       name, n, MOST);
    if (!(out->code = ct_alloc((size_t)CT_MAX(n, 1), sizeof *out->code))) return CT_NO_MEMORY;
    for (uint32_t c = 0; c < CODES; c++)
        if (seen[c]) out->code[out->n++] = c;
    return CT_OK;
}

static ct_status learn(const char *name, const unsigned char *text, size_t len, unsigned char *seen,
                       ct_tokenizer *out) {
    int n;
    for (const unsigned char *p = text, *end = text + len; p < end; p += n) {
        uint32_t code = code_at(p, end, &n);
        if (code == NO_CODE) return no_utf8(name, (size_t)(p - text), *p);
        seen[code] = 1;
    }
    return list_codes(name, seen, out);
}

ct_status ct_tokenizer_learn(const char *kind, const char *name, const void *text, size_t len, ct_tokenizer *out) {
    bool bytes = !strcmp(kind, "byte");
    *out = (ct_tokenizer){bytes ? "byte" : "char", bytes ? BYTES : 0, NULL};
    if (bytes) return CT_OK;
    unsigned char *seen = ct_alloc(CODES, 1);
    ct_status status = seen ? learn(name, text, len, seen, out) : CT_NO_MEMORY;
    ct_free(seen);
    if (status) ct_tokenizer_free(out);
    return status;
}

/* A token's name as a code point: one character, and "" the one that no string holds. */
static uint32_t code_of(const char *name) {
    int n;
    size_t len = strlen(name);
    uint32_t code = len ? code_at((const unsigned char *)name, (const unsigned char *)name + len, &n) : 0;
    return len && (size_t)n != len ? NO_CODE : code;
}

ct_status ct_tokenizer_from(const char *kind, char *const *token, int n, ct_tokenizer *out) {
    bool bytes = !strcmp(kind, "byte"), ok = bytes ? n == BYTES : !strcmp(kind, "char") && n > 0;
    *out = (ct_tokenizer){bytes ? "byte" : "char", n, NULL};
    if (ok && !bytes && !(out->code = ct_alloc((size_t)n, sizeof *out->code))) return CT_NO_MEMORY;
    for (int i = 0; ok && !bytes && i < n; i++) {
        out->code[i] = code_of(token[i]);
        ok = out->code[i] != NO_CODE && (!i || out->code[i] > out->code[i - 1]);
    }
    if (ok) return CT_OK;
    ct_tokenizer_free(out);
    return ct_fail(CT_BAD_DATA, "its tokenizer is damaged");
}

void ct_tokenizer_free(ct_tokenizer *t) {
    ct_free(t->code);
    *t = (ct_tokenizer){0};
}

/* ---- at work ---- */

static ct_status unknown(const ct_tokenizer *t, const char *name, size_t at, uint32_t code) {
    char text[8] = "";
    put_code(code, text);
    return ct_fail(CT_BAD_DATA, "%s: the character at byte %zu, '%s' (U+%04X), is none of the %d that the model knows",
                   name, at, code < ' ' ? "" : text, code, t->n);
}

/* id[code]: the token, or -1. There is room for as many tokens as characters begin in text. */
static ct_status encode(const ct_tokenizer *t, const char *name, const unsigned char *text, size_t len,
                        const int32_t *id, ct_dtype dtype, void *out) {
    uint32_t last = t->code[t->n - 1];
    int64_t at = 0;
    int n;
    for (const unsigned char *p = text, *end = text + len; p < end; p += n, at++) {
        uint32_t code = code_at(p, end, &n);
        if (code == NO_CODE) return no_utf8(name, (size_t)(p - text), *p);
        if (code > last || id[code] < 0) return unknown(t, name, (size_t)(p - text), code);
        if (dtype == CT_U8)
            ((uint8_t *)out)[at] = (uint8_t)id[code];
        else
            ((int32_t *)out)[at] = id[code];
    }
    return CT_OK;
}

ct_tensor *ct_tokenizer_encode(const ct_tokenizer *t, const char *name, const void *text, size_t len) {
    const unsigned char *byte = text;
    int64_t n = 0;
    for (size_t i = 0; i < len; i++) n += !t->code || byte[i] >> 6 != 2; /* where characters begin */
    ct_dtype dtype = t->n > BYTES ? CT_I32 : CT_U8;
    ct_tensor *out = ct_empty(dtype, CT_DIMS(n));
    if (ct_why(out)) return out;
    if (!t->code) {
        if (len) memcpy(ct_data(out), text, len);
        return out;
    }
    size_t codes = (size_t)t->code[t->n - 1] + 1;
    int32_t *id = ct_alloc(codes, sizeof *id);
    if (!id) return ct_tensor_failed(CT_NO_MEMORY);
    memset(id, -1, codes * sizeof *id);
    for (int i = 0; i < t->n; i++) id[t->code[i]] = i;
    ct_status status = encode(t, name, text, len, id, dtype, ct_data(out));
    ct_free(id);
    return status ? ct_tensor_failed(status) : out;
}

int ct_tokenizer_decode(const ct_tokenizer *t, int64_t token, char out[4]) {
    if (t->code) return put_code(t->code[token], out);
    out[0] = (char)token;
    return 1;
}

char **ct_tokenizer_names(const ct_tokenizer *t) {
    char **name = ct_alloc((size_t)t->n, sizeof *name), text[16];
    bool ok = name;
    for (int i = 0; ok && i < t->n; i++) {
        if (t->code)
            text[put_code(t->code[i], text)] = 0;
        else
            snprintf(text, sizeof text, "%d", i);
        ok = (name[i] = ct_strdup(text));
    }
    for (int i = 0; name && !ok && i < t->n; i++) ct_free(name[i]);
    if (ok) return name;
    ct_free(name);
    return NULL;
}
