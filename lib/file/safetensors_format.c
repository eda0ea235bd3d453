#include "file/safetensors_format.h"
#include "base/hash.h"
#include <stdlib.h>
#include <string.h>

static uint16_t word(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }

static void widen_i8(void *out, const unsigned char *p, int64_t n) {
    for (int64_t i = 0; i < n; i++) ((int32_t *)out)[i] = (int8_t)p[i];
}
static void widen_i16(void *out, const unsigned char *p, int64_t n) {
    for (int64_t i = 0; i < n; i++) ((int32_t *)out)[i] = (int16_t)word(p + 2 * i);
}

static const ct_safetensors_type types[] = {
    {"F64", 64, CT_F64, NULL},     {"F32", 32, CT_F32, NULL},     {"I64", 64, CT_I64, NULL},
    {"I32", 32, CT_I32, NULL},     {"U8", 8, CT_U8, NULL},        {"BOOL", 8, CT_BOOL, NULL},
    {"F16", 16, CT_F16, NULL},     {"BF16", 16, CT_BF16, NULL},   {"I16", 16, CT_I32, widen_i16},
    {"I8", 8, CT_I32, widen_i8},   {"U16", 16, CT_NONE, NULL},    {"U32", 32, CT_NONE, NULL},
    {"U64", 64, CT_NONE, NULL},    {"C64", 64, CT_NONE, NULL},    {"F8_E4M3", 8, CT_NONE, NULL},
    {"F8_E5M2", 8, CT_NONE, NULL}, {"F8_E8M0", 8, CT_NONE, NULL}, {"F6_E2M3", 6, CT_NONE, NULL},
    {"F6_E3M2", 6, CT_NONE, NULL}, {"F4", 4, CT_NONE, NULL},
};

const ct_safetensors_type *ct_safetensors_type_named(const char *name) {
    for (int i = 0; i < CT_COUNT(types); i++)
        if (!strcmp(types[i].name, name)) return &types[i];
    return NULL;
}

const ct_safetensors_type *ct_safetensors_type_of(ct_dtype dtype) {
    for (int i = 0; i < CT_COUNT(types); i++)
        if (types[i].dtype == dtype && !types[i].widen) return dtype == CT_NONE ? NULL : &types[i];
    return NULL;
}

bool ct_safetensors_name_ok(const char *name) {
    for (; *name; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7f) return false;
    return true;
}

ct_status ct_safetensors_header_digest(const json_t *root, char hex[65]) {
    char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text) return ct_fail_memory();
    ct_status status = ct_sha256_of(text, strlen(text), hex);
    free(text); /* jansson's */
    return status;
}
