#include "run/learning_rate.h"
#include "base/math.h"
#include <math.h>

static bool swa_has_its_own(const ct_spec *spec) { return spec->train.swa.start && spec->train.swa.lr > 0; }

/* As torch.optim.swa_utils.SWALR. */
static double annealed(const ct_swa_args *swa, double lr, int64_t epochs) {
    double t = swa->anneal_epochs ? fmin(1, (double)epochs / (double)swa->anneal_epochs) : 1;
    double share = swa->anneal_strategy ? t : (1 - ct_cos_f64(M_PI * t)) / 2;
    return swa->lr * share + lr * (1 - share);
}

double ct_learning_rate(const ct_spec *spec, const ct_schedule *c, double base, int64_t epoch) {
    double lr = c->kind ? ct_schedule_rate(c, base) : base;
    int64_t epochs = epoch - spec->train.swa.start;
    return swa_has_its_own(spec) && epochs >= 0 ? annealed(&spec->train.swa, lr, epochs) : lr;
}

int64_t ct_learning_rate_rests(const ct_spec *spec) {
    return swa_has_its_own(spec) ? spec->train.swa.start : INT64_MAX;
}
