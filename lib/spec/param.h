/* What a spec says of parameters by their dotted names. */
#ifndef CT_SPEC_PARAM_H
#define CT_SPEC_PARAM_H
#include "spec/model.h"

/* `freeze: ["stem.*"]`: a list of patterns. What is no such list becomes a diagnostic. */
void ct_freeze_read(ct_doc *doc, const ct_yaml *node, ct_model_spec *out);
/* `init: {"*.weight": {normal: 0.02}, "*.bias": zeros}`: a map of patterns, of which the last that fits a name counts;
   and of the rows of ct_init_beside. */
void ct_init_read(ct_doc *doc, const ct_yaml *node, ct_model_spec *out);
/* The use whose pattern counts for this name, or NULL. fits (may be NULL): marks those that fit it. */
const ct_init_use *ct_init_find(const ct_model_spec *spec, const char *name, bool *fits);
/* `tie: {head.weight: wte.weight}`: a map of names of parameters, or of modules with the same parameters. */
void ct_tie_read(ct_doc *doc, const ct_yaml *node, ct_model_spec *out);
/* The group of the optimizer that a parameter belongs to: the first whose pattern fits its name and whose optimizer
   takes it; -1: none. */
int ct_group_of(const ct_model_spec *spec, const ct_entry *e);
/* Does to a module's parameters what the spec says; a pattern that fits no name becomes a diagnostic. */
ct_status ct_param_apply(ct_doc *doc, const ct_model_spec *spec, ct_module *m);
#endif
