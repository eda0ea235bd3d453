/* A language model read on, token by token. */
#ifndef CT_RUN_GENERATOR_H
#define CT_RUN_GENERATOR_H
#include "run/net.h"

typedef struct ct_generator ct_generator;
/* CT_FAIL where the net is no language model: tokens in, and for each of them scores of the next one. It looks at a
   window of as many tokens as it was made for; when that is full, the older half is forgotten. What layers can keep of
   earlier tokens (nn/cache.h) is not computed again, unless `cached` is false; where they can keep nothing, a full
   window forgets its oldest token alone. net must outlive it. */
ct_status ct_generator_new(const ct_net *net, bool cached, ct_generator **out);
void ct_generator_free(ct_generator *g);
/* Whether it keeps anything: false where the layers are such that it cannot. */
bool ct_generator_is_cached(const ct_generator *g);
/* A new text. */
void ct_generator_clear(ct_generator *g);
/* Reads n (at least 1) tokens more; *score, valid until the next call: the score of each of the data's classes as the
   token after them. */
ct_status ct_generator_read(ct_generator *g, const int64_t *token, int64_t n, const float **score);
#endif
