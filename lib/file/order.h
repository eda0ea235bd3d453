/* Numbers between a file's byte order and the machine's. */
#ifndef CT_FILE_ORDER_H
#define CT_FILE_ORDER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ct_order { CT_LITTLE, CT_BIG } ct_order;
/* Whether numbers in that order can be used as they lie. */
bool ct_order_native(ct_order order);
/* Copies n numbers of `size` bytes (8 at most) from `order` to the machine's, or back. `out` may be `in`. */
void ct_order_copy(void *out, const void *in, int64_t n, size_t size, ct_order order);
#endif
