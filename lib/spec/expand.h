/* Nodes to nodes: `include`, `vars`, `blocks` and `repeat` are worked out, and what is left is a plain spec. */
#ifndef CT_SPEC_EXPAND_H
#define CT_SPEC_EXPAND_H
#include "base/key.h"
#include "yaml/node.h"

/* The spec laid over the files that it includes, which may be itself; NULL when there is no memory. */
ct_yaml *ct_spec_include(ct_doc *doc, ct_yaml *root);
/* Such a spec without vars, blocks, repeat and $names; NULL when there is no memory. What is wrong becomes a
   diagnostic. Nodes that come of a block know where it was used. */
ct_yaml *ct_spec_expand(ct_doc *doc, const ct_yaml *root);
/* The rows of what it works out: keys of the whole, of a block, and beside a layer. */
extern const ct_key ct_spec_language_keys[], ct_block_keys[];
#define CT_MAX_REPEAT 10000
#endif
