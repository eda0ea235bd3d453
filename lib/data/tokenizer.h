/* Text as tokens and back: its characters, each the number of its place among those there are, or its bytes. */
#ifndef CT_DATA_TOKENIZER_H
#define CT_DATA_TOKENIZER_H
#include "base/error.h"
#include "tensor/tensor.h"

typedef struct ct_tokenizer {
    const char *kind; /* "char" or "byte"; NULL: there is none */
    int n;            /* tokens that there are */
    uint32_t *code;   /* char: their code points, ascending; byte: NULL */
} ct_tokenizer;

/* The tokenizer of the characters in UTF-8 `text`, or of bytes. CT_BAD_DATA: no UTF-8; `name` is what messages call
   the text. */
ct_status ct_tokenizer_learn(const char *kind, const char *name, const void *text, size_t len, ct_tokenizer *out);
/* One that a model file holds: its kind, and the name of each of its n tokens. CT_BAD_DATA when they are none. */
ct_status ct_tokenizer_from(const char *kind, char *const *token, int n, ct_tokenizer *out);
void ct_tokenizer_free(ct_tokenizer *t);

/* (tokens) of u8, or of i32 where there are more than 256; CT_BAD_DATA names a character that is none of them. */
ct_tensor *ct_tokenizer_encode(const ct_tokenizer *t, const char *name, const void *text, size_t len);
/* The bytes of one token below n: how many, at most 4. */
int ct_tokenizer_decode(const ct_tokenizer *t, int64_t token, char out[4]);
/* A name for each of the n tokens, by which ct_tokenizer_from finds it again: the character, or the byte's number.
   Yours, each and all; NULL: no memory. */
char **ct_tokenizer_names(const ct_tokenizer *t);
#endif
