/* The processor's name. */
#ifndef CT_CMD_PROCESSOR_H
#define CT_CMD_PROCESSOR_H
#include <stddef.h>

/* "unknown" where the system does not say. */
void ct_processor_name(char *out, size_t size);
#endif
