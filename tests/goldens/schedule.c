/* The learning rate that each of a few dozen steps sees. */
#include "goldens.h"
#include "optim/schedule.h"
#include <math.h>
#include <stdlib.h>

static void run_case(golden *g, const char *name, const json_t *json, const ct_scheduler *kind, void *args) {
    const char *what = "";
    ct_keys_default(kind->kind.keys, args);
    if (!golden_args(kind->kind.keys, args, json_object_get(json, "args"), NULL, &what)) {
        golden_fail(g, name, "%s has no argument '%s' of that value", kind->kind.name, what);
        return;
    }
    const json_t *metric_name = json_object_get(json, "metric");
    ct_tensor *lr = golden_tensor(g, json_object_get(json, "lr")), *metric = metric_name ? golden_tensor(g, metric_name) : NULL;
    if (ct_why(lr) || (metric && ct_why(metric))) {
        golden_fail(g, name, "%s", ct_error());
        return;
    }
    ct_schedule s = ct_schedule_start(kind, args, json_number_value(json_object_get(json, "base_lr")));
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

void golden_schedule(golden *g) {
    size_t i;
    json_t *json;
    json_array_foreach(g->cases, i, json) {
        const char *name = json_string_value(json_object_get(json, "name"));
        const char *scheduler = json_string_value(json_object_get(json, "scheduler"));
        const ct_scheduler *kind = scheduler ? ct_scheduler_find(scheduler) : NULL;
        if (!kind) {
            golden_skip(g, name, "there is no schedule '%s'", scheduler ? scheduler : "");
            continue;
        }
        ct_scope *scope = ct_scope_open();
        void *args = calloc(1, kind->kind.args_size);
        run_case(g, name, json, kind, args);
        free(args);
        (void)!ct_scope_close(scope);
    }
}
