#include "base/hash.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>

/* The context is OpenSSL's own, behind our name. */
#define CTX(h) ((EVP_MD_CTX *)(h))

ct_sha256 *ct_sha256_new(void) {
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (c && EVP_DigestInit_ex(c, EVP_sha256(), NULL)) return (ct_sha256 *)c;
    EVP_MD_CTX_free(c);
    ERR_clear_error(); /* OpenSSL's own queue of errors holds memory */
    ct_fail_memory();
    return NULL;
}

/* A failed update leaves a context whose final fails too. */
void ct_sha256_add(ct_sha256 *h, const void *bytes, size_t n) {
    if (n) EVP_DigestUpdate(CTX(h), bytes, n);
}

ct_status ct_sha256_hex(ct_sha256 *h, char hex[65]) {
    unsigned char d[EVP_MAX_MD_SIZE];
    int ok = EVP_DigestFinal_ex(CTX(h), d, NULL);
    EVP_MD_CTX_free(CTX(h));
    if (!ok) ERR_clear_error();
    if (!ok) return ct_fail(CT_FAIL, "SHA-256 failed");
    for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", d[i]);
    return CT_OK;
}

ct_status ct_sha256_of(const void *bytes, size_t n, char hex[65]) {
    ct_sha256 *h = ct_sha256_new();
    if (!h) return CT_NO_MEMORY;
    ct_sha256_add(h, bytes, n);
    return ct_sha256_hex(h, hex);
}

uint64_t ct_hash_name(const char *s) {
    uint64_t h = 0xcbf29ce484222325u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h;
}
