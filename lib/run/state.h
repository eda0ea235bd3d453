/* Where a run stands: what state.safetensors holds beside tensors, enough to go on without a bit's difference. */
#ifndef CT_RUN_STATE_H
#define CT_RUN_STATE_H
#include "optim/optim.h"
#include "run/tally.h"
#include "run/weights.h"

typedef struct ct_run_state {
    int64_t epoch, step;                             /* epochs done; steps done of the one under way */
    int64_t number;                                  /* steps done of the whole run */
    int64_t evaluated, evaluations, best_evaluation; /* after which step the last was, how many, which was best */
    ct_tally tally;                                  /* of the epoch under way */
    int64_t best_epoch, best_step;
    double best;                         /* the monitored value then */
    double best_loss, best_accuracy;     /* of validation, then */
    double loss, val_loss, val_accuracy; /* of the last whole epoch */
    int64_t log_length;                  /* bytes of log.jsonl that belong to this state */
    double seconds;                      /* spent so far */
    double max_seconds;                  /* that it may take; 0: any */
    int64_t finished, stopped_early, out_of_time, reproducible;
    int64_t schedule_t, schedule_bad, schedule_cooldown, schedule_drops; /* of the learning rate's schedule */
    double schedule_lr, schedule_best;
} ct_run_state;

/* Writes `path` whole: model, optimizer, averages (NULL: none), state. `files` is text that says what the data was
 * (ct_data_text). */
ct_status ct_state_save(const char *path, const ct_run_state *s, ct_module *m, ct_optim *o, const ct_average *a,
                        const char *files);
/* Only the numbers; CT_BAD_DATA if the file is damaged. *files (if wanted) is the data's text, ct_free'd by the caller.
 */
ct_status ct_state_peek(const char *path, ct_run_state *s, char **files);
ct_status ct_state_load(const char *path, ct_run_state *s, ct_module *m, ct_optim *o, const ct_average *a);
#endif
