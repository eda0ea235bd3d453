/* The weights that a run starts with: `init: {from: FILE}`. */
#ifndef CT_RUN_ORIGIN_H
#define CT_RUN_ORIGIN_H
#include "run/net.h"

typedef struct ct_origin ct_origin;
/* What became of the model's parameters and buffers, and how many of the file's tensors are of no use. */
typedef enum ct_became { CT_LOADED, CT_BY_CLASS, CT_REINITIALISED, CT_MISSING, CT_UNUSED } ct_became;
typedef struct ct_origin_report {
    int n[CT_UNUSED + 1];
    char *table; /* a line each; ct_free'd by the caller */
} ct_origin_report;

/* Opens the file that the spec names, and its table of names; *out NULL: it names none. */
ct_status ct_origin_open(const ct_spec *spec, ct_origin **out);
/* Puts its weights into the net's. Where both have names of classes and those differ, the rows of the last layer with
   one a class go by name. What does not fit is a diagnostic of the spec and CT_BAD_SPEC, and changes nothing. */
ct_status ct_origin_load(ct_origin *f, const ct_net *net, const ct_dataset *data, ct_origin_report *out);
void ct_origin_close(ct_origin *f);
#endif
