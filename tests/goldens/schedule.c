/* The learning rate that each of a few dozen steps sees. */
#include "goldens.h"
#include "optim/schedule.h"
#include <math.h>
#include <stdlib.h>

static void run_case(golden *g, const char *name, const json_t *json, const ct_kind *kind, void *args) {
    const json_t *metric_name = json_object_get(json, "metric");
    ct_tensor *lr = golden_tensor(g, json_object_get(json, "lr")),
              *metric = metric_name ? golden_tensor(g, metric_name) : NULL;
    if (ct_why(lr) || (metric && ct_why(metric))) {
        golden_fail(g, name, "%s", ct_error());
        return;
    }
    ct_schedule s =
        ct_schedule_start((const ct_scheduler *)kind, args, 0, json_number_value(json_object_get(json, "base_lr")));
    for (int64_t i = 0; i < ct_numel(lr); i++) {
        double want = ct_element_get(CT_F64, ct_data(lr), i);
        if (!(fabs(s.lr - want) <= 1e-9 * fmax(fabs(want), 1e-6))) {
            golden_fail(g, name, "step %lld: %.12g, PyTorch has %.12g", (long long)i, s.lr, want);
            return;
        }
        ct_schedule_step(&s, metric ? ct_element_get(CT_F64, ct_data(metric), i) : 0);
    }
    golden_pass(g);
}

static const ct_kind *find(const char *name) { return (const ct_kind *)ct_scheduler_find(name); }

void golden_schedule(golden *g) { golden_each(g, "scheduler", find, run_case); }
