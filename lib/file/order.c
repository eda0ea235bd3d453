#include "file/order.h"
#include <string.h>

bool ct_order_native(ct_order order) { return (order == CT_BIG) == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__); }

void ct_order_copy(void *out, const void *in, int64_t n, size_t size, ct_order order) {
    unsigned char *to = out, v[8];
    const unsigned char *from = in;
    if (ct_order_native(order) || size == 1) {
        if (n) memmove(out, in, (size_t)n * size);
        return;
    }
    for (int64_t i = 0; i < n; i++, to += size, from += size) {
        memcpy(v, from, size);
        for (size_t k = 0; k < size; k++) to[k] = v[size - 1 - k];
    }
}
