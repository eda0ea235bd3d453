/* A spec or a model, looked at: inside the room, what its files share. */
#ifndef CT_RUN_SHOW_H
#define CT_RUN_SHOW_H
#include "run/given.h"
#include "run/parts.h"

struct ct_show {
    ct_given given;
    const char *const *data_dirs;
    ct_dataset *data; /* NULL: nothing asked for it so far */
    ct_data_size size;
    ct_net net; /* on shapes alone */
    ct_parts parts;
};
/* Its data, read when first asked for. */
ct_status ct_show_data(ct_show *s);
#endif
