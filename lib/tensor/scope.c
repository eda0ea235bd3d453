/* Scopes own handles: what a call returns lives in its thread's innermost scope. */
#include "tensor/scope.h"
#include "base/alloc.h"

struct ct_scope {
    ct_scope *outer;
    ct_tensor **tensor;
    size_t n, cap;
    ct_status status; /* of the first error inside */
    char *why;
};

static _Thread_local ct_scope *current;
/* What opens when there is no memory for another: it owns what is made inside all the same, and holds the error. */
static _Thread_local ct_scope spare;
static _Thread_local bool spare_is_open;

ct_scope *ct_scope_open(void) {
    ct_scope *s = ct_alloc(1, sizeof *s);
    if (!s && spare_is_open) return NULL; /* what is made belongs to the one around it */
    if (!s) {
        s = &spare, spare_is_open = true;
        *s = (ct_scope){.status = CT_NO_MEMORY};
    }
    s->outer = current;
    return current = s;
}

bool ct_scope_add(ct_tensor *t) {
    ct_scope *s = current;
    if (!s) return true; /* no scope: the caller owns it, as if kept */
    ct_tensor **p = ct_grow(s->tensor, s->n, &s->cap, sizeof *p);
    if (!p) return false;
    s->tensor = p, p[s->n++] = t;
    return true;
}

void ct_scope_note(ct_status status) {
    if (!status || !current || current->status) return;
    current->status = status;
    current->why = ct_strdup(ct_error());
}

ct_status ct_scope_status(void) {
    for (const ct_scope *s = current; s; s = s->outer)
        if (s->status) return ct_fail(s->status, "%s", s->why ? s->why : "out of memory");
    return CT_OK;
}

/* The tensor taken out of the scope that holds it, one of those from the current one to before `end`, the newest first.
 */
static bool take(const ct_scope *end, ct_tensor *t) {
    for (ct_scope *s = current; s && s != end; s = s->outer)
        for (size_t i = s->n; i-- > 0;)
            if (s->tensor[i] == t) {
                s->tensor[i] = s->tensor[--s->n];
                return true;
            }
    return false;
}

ct_tensor *ct_keep(ct_tensor *t) {
    if (t && !ct_tensor_is_static(t)) take(NULL, t);
    return t;
}

void ct_drop(ct_tensor *t) {
    if (!t || ct_tensor_is_static(t)) return;
    take(NULL, t);
    ct_tensor_unref(t);
}

ct_tensor *ct_scope_return(ct_scope *scope, ct_tensor *t) {
    if (!scope || !t || ct_tensor_is_static(t) || !take(scope->outer, t)) return t;
    ct_scope *inner = current;
    current = scope->outer;
    bool ok = ct_scope_add(t);
    current = inner;
    if (ok) return t;
    ct_tensor_unref(t);
    return ct_tensor_failed(CT_NO_MEMORY);
}

ct_status ct_scope_close(ct_scope *scope) {
    if (!scope) return CT_NO_MEMORY;
    ct_status status = scope->status;
    if (status) ct_fail(status, "%s", scope->why ? scope->why : "out of memory");
    current = scope->outer;
    for (size_t i = scope->n; i-- > 0;) ct_tensor_unref(scope->tensor[i]);
    ct_free(scope->tensor);
    ct_free(scope->why);
    if (scope == &spare)
        spare_is_open = false;
    else
        ct_free(scope);
    return status;
}

ct_scope *ct_scope_guard(void) { return current ? NULL : ct_scope_open(); }

ct_tensor *ct_scope_end(ct_scope *guard, ct_tensor *t) {
    if (!guard) return t;
    t = ct_scope_return(guard, t);
    ct_status told = ct_scope_close(guard); /* by t, or by the caller */
    return (void)told, t;
}
