/* What training costs, from shapes alone: each layer's share of a step, and the memory of a run. */
#ifndef CT_RUN_COST_H
#define CT_RUN_COST_H
#include "run/net.h"

/* Of the ops that a module's forward is made of, without those of the lists in it. */
typedef struct ct_cost {
    int64_t ops;
    int64_t multiply_adds; /* of products and convolutions, for one sample */
    int64_t bytes;         /* of what they make and the backward reads */
} ct_cost;

/* The samples that a run trains on and evaluates with; as many as could be where that is not known. */
void ct_cost_samples(const ct_spec *spec, const ct_data_size *data, int64_t *n_train, int64_t *n_held_out);
/* Plans a training step for `net` (ct_net_look) and adds up what each of module[n] costs. *batch: the samples of a
   step, as many as the spec says and there are. */
ct_status ct_cost_look(const ct_net *net, const ct_data_size *data, const ct_module *const *module, int n, ct_cost *out,
                       int64_t *batch, ct_memory_report *memory);
#endif
