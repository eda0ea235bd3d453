/* A table of names: what a file of weights calls the parameters of a model. */
#ifndef CT_RUN_RENAME_H
#define CT_RUN_RENAME_H
#include "base/error.h"

typedef struct ct_rename_row {
    const char *theirs, *ours; /* in the table's text */
    int line;
} ct_rename_row;
typedef struct ct_rename { /* zeroed: no name differs */
    ct_rename_row *row;
    int n;
    char *text;
} ct_rename;

/* Lines "their.name our.name"; empty ones, and what follows a #, are left out. A name that stands twice is an error. */
ct_status ct_rename_read(const char *path, ct_rename *out);
void ct_rename_free(ct_rename *r);
/* What the file calls our `name`: by the table, else the same. */
const char *ct_rename_theirs(const ct_rename *r, const char *name);
#endif
