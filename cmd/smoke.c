/* train --dry-run and --overfit: what came of a spec tried. */
#include "cmd/cmd.h"
#include <inttypes.h>
#include <stdlib.h>

static void print_json(const ct_try_report *r, bool overfit, bool learned) {
    ct_json j = {0};
    ct_json_open(&j, NULL, '{');
    ct_json_int(&j, "parameters", r->parameters);
    ct_json_int(&j, "samples", r->samples);
    ct_json_number(&j, "loss", r->loss);
    if (overfit) {
        ct_json_number(&j, "first_loss", r->first_loss);
        ct_json_int(&j, "passes", r->passes);
        ct_json_bool(&j, "learned", learned);
    } else {
        ct_json_number(&j, "evaluation_loss", r->eval_loss);
        ct_json_text(&j, "evaluation_split", r->split);
        ct_json_number(&j, "step_seconds", r->step_s);
    }
    ct_json_number(&j, "seconds", r->seconds);
    ct_json_close(&j, '}');
}

static void print(const ct_try_report *r, bool overfit) {
    const char *s = r->samples == 1 ? "" : "s";
    if (overfit)
        printf("%" PRId64 " sample%s learned by heart in %" PRId64 " passes and %.1f s: loss %.4f, which began with "
               "%.4f\n",
               r->samples, s, r->passes, r->seconds, r->loss, r->first_loss);
    else
        printf("a step on %" PRId64
               " sample%s: loss %.4f, %.1f ms with its plan; a batch of the %s samples: loss %.4f; "
               "%.2f s in all\n",
               r->samples, s, r->loss, 1e3 * r->step_s, r->split, r->eval_loss, r->seconds);
}

ct_status ct_smoke(ct_spec *spec, int64_t steps, const ct_train_options *o, bool json, bool quiet) {
    ct_try_report r;
    char *messages;
    ct_status status =
        steps ? ct_train_overfit(spec, steps, o, &r, &messages) : ct_train_dry_run(spec, o, &r, &messages);
    ct_say_spec(status, messages);
    bool measured = !status || (status == CT_FAIL && r.passes);
    if (json && measured)
        print_json(&r, steps != 0, !status);
    else if (!status && !quiet)
        print(&r, steps != 0);
    return status;
}
