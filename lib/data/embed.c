/* The bytes of datasets/ that the library carries, taken in by the assembler (its paths start at the repository). */
#include "data/manifest.h"
#include <string.h>

#define MANIFESTS(X)                           \
    X(cifar_10, "cifar-10", ".yaml")           \
    X(cifar_100, "cifar-100", ".yaml")         \
    X(digits, "digits", ".yaml")               \
    X(fashion_mnist, "fashion-mnist", ".yaml") \
    X(mnist, "mnist", ".yaml")                 \
    X(tinyshakespeare, "tinyshakespeare", ".yaml")

#define FILES(X)                                            \
    X(digits_train_x, "digits/", "train-images-idx3-ubyte") \
    X(digits_train_y, "digits/", "train-labels-idx1-ubyte") \
    X(digits_test_x, "digits/", "t10k-images-idx3-ubyte")   \
    X(digits_test_y, "digits/", "t10k-labels-idx1-ubyte")

/* The labels are this object's own: nothing global is defined. */
#define EMBED(id, head, tail)                                                \
    __asm__(".pushsection .rodata\n"                                         \
            ".balign 64\n"                                                   \
            "ct_embed_" #id ":\n"                                            \
            ".incbin \"datasets/" head tail "\"\n"                           \
            "ct_embed_" #id "_end:\n"                                        \
            ".byte 0\n"                                                      \
            ".popsection\n");                                                \
    extern const char ct_embed_##id[] __attribute__((visibility("hidden"))); \
    extern const char ct_embed_##id##_end[] __attribute__((visibility("hidden")));
MANIFESTS(EMBED)
FILES(EMBED)

#define ROW(id, head, tail) {head tail, ct_embed_##id, ct_embed_##id##_end},
static const struct { const char *name, *begin, *end; } table[] = {MANIFESTS(ROW) FILES(ROW)};

const void *ct_embedded(const char *name, size_t *size) {
    for (int i = 0; i < CT_COUNT(table); i++) {
        if (strcmp(table[i].name, name)) continue;
        *size = (size_t)(table[i].end - table[i].begin);
        return table[i].begin;
    }
    return NULL;
}

const char *const *ct_manifest_names(int *n) {
#define NAME(id, head, tail) head,
    static const char *const names[] = {MANIFESTS(NAME)};
    *n = CT_COUNT(names);
    return names;
}
