/* Passes: each rewrites a program into one that computes the same with less. */
#ifndef CT_PLAN_PASS_H
#define CT_PLAN_PASS_H
#include "plan/program.h"

typedef struct ct_pass {
    const char *name, *help;
    ct_status (*run)(ct_program *p); /* or else */
    bool (*mode)(bool on);           /* it is a way to capture; returns whether it was on */
} ct_pass;
/* In the order in which they run; ends with a NULL name. */
extern const ct_pass ct_passes[];

/* A bit for each pass that `text` switches off, added to *off: "-fuse,-cse", "-all". CT_FAIL names what there is. */
ct_status ct_passes_read(const char *text, unsigned *off);
/* The same for all plans made from now on, in place of what was off (ctorch_run.h); and which are off. */
ct_status ct_passes_use(const char *list);
unsigned ct_passes_off(void);
/* This thread captures by those not switched off; returns which were off, for the call that ends it. */
unsigned ct_passes_capture(unsigned off);
/* Who is told how many items there are: as captured (pass NULL), and after each pass. */
typedef struct ct_pass_watch {
    void (*seen)(void *ctx, const ct_pass *pass, int items);
    void *ctx;
} ct_pass_watch;
/* All but those switched off. watch may be NULL. */
ct_status ct_passes_run(ct_program *p, unsigned off, const ct_pass_watch *watch);

ct_status ct_pass_dead(ct_program *p);
ct_status ct_pass_cse(ct_program *p);
ct_status ct_pass_fold(ct_program *p);
ct_status ct_pass_fuse(ct_program *p);
ct_status ct_pass_join(ct_program *p);
ct_status ct_pass_reduce(ct_program *p);
ct_status ct_pass_beside(ct_program *p);
ct_status ct_pass_early(ct_program *p);
#endif
