#include "spec/expr.h"
#include "base/number.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 32
#define MAX_INT 9007199254740992.0 /* 2^53: integers are exact below */

typedef struct parser {
    const char *at;
    ct_expr_lookup lookup;
    void *ctx;
    char *why;
    int depth;
} parser;

static bool fail(parser *p, const char *fmt, const char *what, size_t len) {
    if (!*p->why) snprintf(p->why, 128, fmt, (int)CT_MIN(len, 40), what);
    return false;
}

static char peek(parser *p) {
    p->at += strspn(p->at, " \t");
    return *p->at;
}

static bool sum(parser *p, ct_number *out);

static bool name_value(parser *p, ct_number *out) {
    const char *name = ++p->at;
    while (isalnum((unsigned char)*p->at) || *p->at == '_') p->at++;
    size_t len = (size_t)(p->at - name);
    if (!len) return fail(p, "a name must follow '$'%.*s", "", 0);
    return p->lookup(p->ctx, name, len, out) || fail(p, "$%.*s is not defined, or is no number", name, len);
}

static bool literal(parser *p, ct_number *out) {
    const char *end = isdigit((unsigned char)*p->at) || *p->at == '.' ? ct_number_read(p->at, &out->value) : NULL;
    if (!end) return fail(p, "expected a number, a $name or '(' at '%.*s'", p->at, strlen(p->at));
    out->is_int = true;
    for (; p->at < end; p->at++) out->is_int &= isdigit((unsigned char)*p->at) != 0;
    return true;
}

static bool atom(parser *p, ct_number *out) {
    char c = peek(p);
    if (++p->depth > MAX_DEPTH) return fail(p, "nested too deeply%.*s", "", 0);
    bool ok;
    if (c == '$')
        ok = name_value(p, out);
    else if (c == '-') {
        p->at++;
        ok = atom(p, out);
        out->value = -out->value;
    } else if (c == '(') {
        p->at++;
        ok = sum(p, out) && (peek(p) == ')' ? (p->at++, true) : fail(p, "a ')' is missing%.*s", "", 0));
    } else
        ok = literal(p, out);
    p->depth--;
    return ok;
}

/* a op b, where op is + - * / % or '|' for //. */
static bool apply(parser *p, char op, ct_number *a, ct_number b) {
    bool ints = a->is_int && b.is_int;
    double x = a->value, y = b.value;
    if (strchr("/%|", op) && y == 0) return fail(p, "division by zero%.*s", "", 0);
    a->value = op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : op == '/' ? x / y : floor(x / y);
    if (op == '%') a->value = x - y * a->value;
    a->is_int = ints && a->value == floor(a->value);
    return fabs(a->value) <= MAX_INT || !ints ? true : fail(p, "an integer over 2^53%.*s", "", 0);
}

static bool product(parser *p, ct_number *out) {
    if (!atom(p, out)) return false;
    for (char c = peek(p); c == '*' || c == '/' || c == '%'; c = peek(p)) {
        ct_number b;
        p->at++;
        if (c == '/' && *p->at == '/') c = '|', p->at++;
        if (!atom(p, &b) || !apply(p, c, out, b)) return false;
    }
    return true;
}

static bool sum(parser *p, ct_number *out) {
    if (!product(p, out)) return false;
    for (char c = peek(p); c == '+' || c == '-'; c = peek(p)) {
        ct_number b;
        p->at++;
        if (!product(p, &b) || !apply(p, c, out, b)) return false;
    }
    return true;
}

bool ct_expr_eval(const char *text, ct_expr_lookup lookup, void *ctx, ct_number *out, char room[128]) {
    parser p = {.at = text, .lookup = lookup, .ctx = ctx, .why = room};
    *room = 0;
    if (!sum(&p, out)) return false;
    return peek(&p) ? fail(&p, "did not expect '%.*s' there", p.at, strlen(p.at)) : true;
}
