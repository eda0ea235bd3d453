/* What a command is given to look at or to time: a spec, or a model with its own. */
#ifndef CT_RUN_GIVEN_H
#define CT_RUN_GIVEN_H
#include "run/model.h"

typedef struct ct_given {
    ct_spec *spec;
    ct_model *model; /* whose the spec is; NULL: a spec alone */
} ct_given;
/* path: a spec, to which `set` is applied, or a model as in ct_model_open. messages as in ct_spec_load. Free it
   whatever is returned. */
ct_status ct_given_open(const char *path, const char *const *set, ct_given *out, char **messages);
void ct_given_free(ct_given *g);
#endif
