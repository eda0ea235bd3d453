/* SHA-256 (FIPS 180-4, by OpenSSL's libcrypto) for content, FNV-1a for names. */
#ifndef CT_BASE_HASH_H
#define CT_BASE_HASH_H
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct ct_sha256 ct_sha256;
ct_sha256 *ct_sha256_new(void); /* NULL: no memory */
void ct_sha256_add(ct_sha256 *h, const void *bytes, size_t n);
/* Writes 64 hex digits and a 0, and frees `h`. A failure anywhere before shows here. */
ct_status ct_sha256_hex(ct_sha256 *h, char hex[65]);
ct_status ct_sha256_of(const void *bytes, size_t n, char hex[65]);

uint64_t ct_hash_name(const char *s); /* FNV-1a, 64 bits */
#endif
