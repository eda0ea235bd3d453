/* The driver of golden files: what PyTorch computed, held against what the library computes. */
#ifndef CT_GOLDENS_H
#define CT_GOLDENS_H
#include "base/key.h"
#include "file/safetensors.h"
#include <jansson.h>

typedef struct golden {
    const char *path;
    ct_safetensors *file;
    json_t *cases;
    const char *spec, *rename; /* of runs: a spec to use, and a table of "their.name our.name" lines; or NULL */
    const char *isa;           /* the kernels asked for; NULL: the best, and of runs the plain ones */
    int passed, failed, skipped;
} golden;

/* A line a failure or a skip, with the file and the case's name; counts it. */
void golden_fail(golden *g, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void golden_skip(golden *g, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void golden_pass(golden *g);

/* norm(got - want) / max(norm(want), 1e-6), or INFINITY for a shape that differs, a NaN, an error; integers must be
   equal. *why gets what is wrong. */
double golden_distance(const ct_tensor *got, const ct_tensor *want, const char **why);
ct_tensor *golden_tensor(golden *g, const json_t *name);
/* Fields of args from a JSON object, by its keys; false with the first unknown name or bad value in *what. */
bool golden_args(const ct_key *keys, void *args, const json_t *object, const char *except, const char **what);

/* For every case: the kind that its field `what` names, by `find`, with room for its args; skipped where there is none.
 */
void golden_each(golden *g, const char *what, const ct_kind *(*find)(const char *name),
                 void (*run)(golden *g, const char *name, const json_t *json, const ct_kind *kind, void *args));

void golden_ops(golden *g);
void golden_optim(golden *g);
void golden_schedule(golden *g);
void golden_run(golden *g);
#endif
