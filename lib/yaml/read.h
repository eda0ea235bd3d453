/* A node against the rows that it must fit: fills a struct, or says at its place what is wrong. */
#ifndef CT_YAML_READ_H
#define CT_YAML_READ_H
#include "base/key.h"
#include "yaml/node.h"

/* Fills *args (defaults first) from a MAP node; every unknown or duplicate key, wrong type, value out of range is a
   diagnostic (with the nearest known key). Strings are the doc's; a PATH is made relative to the file that says it.
   A key whose default is NAN must be there. node may be NULL: all defaults. `where` is what messages call the node
   ("unknown key 'epoch' in train"), NULL for the document itself. `also` (may be NULL) are
   rows of keys that stand there too and that the caller reads itself. */
void ct_read_keys(ct_doc *doc, const ct_yaml *node, const char *where, const ct_key *keys, void *args,
                  const ct_key *also);

/* Says that there is no such key; where: " in train"; the nearest of both tables' names, or all of them. */
void ct_diag_unknown(ct_doc *doc, const ct_yaml *node, const char *where, const ct_key *keys, const ct_key *also);

/* One of `kinds`: `relu`, `linear: 128` (the first key), `linear: {out_features: 128, bias: false}`. The last two are
   maps of one key beside those of `also` (name: fc1). Fills *args (allocated in doc) and returns its kind; NULL after a
   diagnostic (`what` is "layer", "optimizer"...: "unknown layer 'linaer'; did you mean 'linear'?"). */
const ct_kind *ct_read_kind(ct_doc *doc, const ct_yaml *node, const char *what, const ct_kind *const *kinds, int n,
                            void **args, const ct_key *also);
/* Names of the document's own, keys of a map, that messages suggest for a layer too. */
void ct_doc_own_kinds(ct_doc *doc, const ct_yaml *names);
/* The args given as one text, "stride=[2,1] padding=1", as ops' sample cases have them; STRING and PATH keys, which
   would need an owner, are refused. */
ct_status ct_read_args_text(const ct_key *keys, const char *text, void *args);
#endif
