#include "plan/pass.h"
#include "ops/ops.h"
#include <string.h>

const ct_pass ct_passes[] = {
    {"whole", "norms and attention as one kernel each way, not as their parts", .mode = ct_whole_swap},
    {"winograd", "3 x 3 convolutions by Winograd's algorithm", .mode = ct_winograd_swap},
    {"dead", "drop what nothing reads", .run = ct_pass_dead},
    {"cse", "compute equal things once", .run = ct_pass_cse},
    {"fold", "compute constants when the plan is made", .run = ct_pass_fold},
    {"fuse", "pointwise ops in one pass over tiles that fit the cache", .run = ct_pass_fuse},
    {"join", "what follows a product runs on its result while that is in the cache", .run = ct_pass_join},
    {"reduce", "what precedes a sum, softmax, norm or loss runs as that reads it", .run = ct_pass_reduce},
    {"beside", "what is small runs at the same time as something large that it has nothing to do with",
     .run = ct_pass_beside},
    {"early", "what a norm sums up is summed as it is made", .run = ct_pass_early},
    {0},
};

static ct_status unknown(const char *word, size_t n) {
    char names[128] = "";
    for (const ct_pass *p = ct_passes; p->name; p++) strcat(strcat(names, ", -"), p->name);
    return ct_fail(CT_FAIL, "'%.*s' switches no pass off: -all%s do", (int)n, word, names);
}

ct_status ct_passes_read(const char *text, unsigned *off) {
    while (*text) {
        size_t n = strcspn(text, ",");
        const ct_pass *p = ct_passes;
        while (p->name && (n != strlen(p->name) + 1 || strncmp(text + 1, p->name, n - 1))) p++;
        bool all = n == 4 && !strncmp(text, "-all", n);
        if (*text != '-' || (!all && !p->name)) return unknown(text, n);
        *off |= all ? ~0u : 1u << (p - ct_passes);
        text += n + (text[n] == ',');
    }
    return CT_OK;
}

static _Atomic unsigned switched_off;

unsigned ct_passes_off(void) { return switched_off; }

ct_status ct_passes_use(const char *list) {
    unsigned off = 0;
    CT_TRY(ct_passes_read(list, &off));
    switched_off = off;
    return CT_OK;
}

unsigned ct_passes_capture(unsigned off) {
    unsigned were = 0;
    for (int i = 0; ct_passes[i].name; i++)
        if (ct_passes[i].mode && !ct_passes[i].mode(!(off >> i & 1))) were |= 1u << i;
    return were;
}

ct_status ct_passes_run(ct_program *p, unsigned off, const ct_pass_watch *watch) {
    if (watch) watch->seen(watch->ctx, NULL, p->n_items);
    for (int i = 0; ct_passes[i].name; i++) {
        if (off >> i & 1) continue;
        if (ct_passes[i].run) CT_TRY(ct_passes[i].run(p));
        if (watch) watch->seen(watch->ctx, &ct_passes[i], p->n_items);
    }
    return CT_OK;
}
