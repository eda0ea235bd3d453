#include "spec/schedule.h"
#include "yaml/read.h"

#define WARMUP                                                                                                       \
    {                                                                                                                \
        "warmup", CT_KEY_INT, offsetof(ct_schedule_use, warmup),                                                     \
            .max = 1e15, .help = "epochs, or steps, before the schedule's own, in which the rate rises to its first" \
    }
const ct_key ct_schedule_beside[] = {
    {"per", CT_KEY_ENUM, offsetof(ct_schedule_use, per_step), .choices = "epoch|step", .help = "when it moves"},
    WARMUP,
    {0}};
const ct_key ct_scheduler_beside[] = {WARMUP, {0}};

static const ct_scheduler *read_kind(ct_doc *doc, const ct_yaml *node, const ct_key *beside, void **args);

static bool ascend(const ct_dims *milestones) {
    for (int i = 1; i < milestones->n; i++)
        if (milestones->v[i] < milestones->v[i - 1]) return false;
    return true;
}

/* Whether `kind` may be part of another. */
static bool may_join(ct_doc *doc, const ct_yaml *node, const ct_scheduler *whole, const ct_scheduler *kind,
                     const void *args) {
    const char *name = whole->kind.name;
    if (kind->listen)
        ct_diag(doc, CT_ERROR, node, "%s listens to a metric, which schedules in %s are not told", kind->kind.name,
                name);
    else if (whole == &ct_chained && kind->next && kind->next(args, 1, 1, 0) == 0)
        ct_diag(doc, CT_ERROR, node, "%s starts at 0, which nothing that it is multiplied by in %s would raise",
                kind->kind.name, name);
    else
        return true;
    return false;
}

/* `[linear: {total_iters: 5}, cosine: 20]`, the schedulers of `whole`. */
static void read_parts(ct_doc *doc, const ct_yaml *node, const ct_scheduler *whole, ct_schedule_parts *a) {
    const char *name = whole->kind.name;
    const ct_yaml *own = ct_yaml_get(node, name), *list = own->kind == CT_MAP ? ct_yaml_get(own, "schedulers") : own;
    if (list->kind != CT_LIST || !list->n) {
        ct_diag(doc, CT_ERROR, list, "schedulers of %s is a list of schedules, such as [linear, exponential: 0.9]",
                name);
        return;
    }
    if (!(a->part = ct_doc_alloc(doc, (size_t)list->n, sizeof *a->part))) return;
    for (int i = 0; i < list->n; i++) {
        void *args;
        const ct_scheduler *kind = read_kind(doc, list->value[i], NULL, &args);
        if (kind && may_join(doc, list->value[i], whole, kind, args)) a->part[a->n++] = (ct_schedule_part){kind, args};
    }
    if (whole == &ct_sequential && a->milestones.n != list->n - 1)
        ct_diag(doc, CT_ERROR, own, "%d schedulers have %d milestones between them, got %d", list->n, list->n - 1,
                a->milestones.n);
    else if (!ascend(&a->milestones))
        ct_diag(doc, CT_ERROR, own, "milestones are in ascending order, and these are not");
}

static const ct_scheduler *read_kind(ct_doc *doc, const ct_yaml *node, const ct_key *beside, void **args) {
    int n, errors = ct_diag_count(doc, CT_ERROR);
    const ct_kind *const *kinds = ct_scheduler_kinds(&n);
    const ct_kind *kind = ct_read_kind(doc, node, "schedule", kinds, n, args, beside);
    const ct_scheduler *found = kind ? ct_scheduler_find(kind->name) : NULL;
    if (found && found->joins) read_parts(doc, node, found, *args);
    return ct_diag_count(doc, CT_ERROR) == errors ? found : NULL;
}

void ct_schedule_read(ct_doc *doc, const ct_yaml *node, const ct_key *beside, ct_schedule_use *use) {
    *use = (ct_schedule_use){0};
    const ct_scheduler *kind = read_kind(doc, node, beside, &use->args);
    if (!kind) return;
    if (node->kind == CT_MAP)
        ct_read_keys(doc, node, "schedule", beside, use, (ct_key[]){{.name = kind->kind.name}, {0}});
    use->kind = kind;
}
