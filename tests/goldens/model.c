/* PyTorch source to a spec's model: one class whose forward is a chain of calls, such as
     class MLP(nn.Module):
         def __init__(s): super().__init__(); s.fc1 = nn.Linear(784, 32); s.fc2 = nn.Linear(32, 10)
         def forward(s, x): return s.fc2(F.relu(s.fc1(x.view(-1, 784))))
   Names of modules become names of layers. Positional arguments follow the keys of ours, which are in PyTorch's order;
   a module's first one is inferred. */
#include "base/buf.h"
#include "goldens.h"
#include "nn/module.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct parser {
    const char *source, *at;
    ct_buf out;
    const char *why;
} parser;

static void skip(parser *p) { p->at += strspn(p->at, " \t\n"); }

static bool eat(parser *p, const char *text) {
    skip(p);
    size_t n = strlen(text);
    if (strncmp(p->at, text, n)) return false;
    p->at += n;
    return true;
}

static bool word(parser *p, char *out, size_t size) {
    skip(p);
    size_t n = 0;
    while (isalnum((unsigned char)p->at[n]) || p->at[n] == '_') n++;
    if (!n || n >= size) return false;
    memcpy(out, p->at, n);
    out[n] = 0;
    p->at += n;
    return true;
}

/* Conv2d to conv2d, BatchNorm2d to batch_norm. */
static const ct_layer *layer_of(const char *name) {
    char snake[64];
    size_t n = 0;
    for (const char *c = name; *c && n + 2 < sizeof snake; c++) {
        if (isupper((unsigned char)*c) && c > name) snake[n++] = '_';
        snake[n++] = (char)tolower((unsigned char)*c);
    }
    snake[n] = 0;
    const ct_layer *l = ct_layer_find(snake);
    if (!l && n > 2 && snake[n - 1] == 'd') {
        snake[n - 2] = 0;
        l = ct_layer_find(snake);
    }
    return l;
}

/* "(arg, key=arg)" from p as settings of `l`, positional ones from key `first` on. Ends after the ')'. */
static bool settings(parser *p, const ct_layer *l, int first) {
    int k = first;
    ct_buf_printf(&p->out, "{%s: {", l->kind.name);
    for (int n = 0; !eat(p, ")"); n++) {
        skip(p);
        size_t len = strcspn(p->at, ",)="), more;
        if (*p->at == '(') len = strcspn(p->at, ")") + 1;
        char key[64] = "", value[64];
        if (p->at[len] == '=') {
            if (len >= sizeof key) return false;
            memcpy(key, p->at, len);
            key[len] = 0;
            p->at += len + 1;
            len = strcspn(p->at, ",)");
        }
        if (len >= sizeof value) return false;
        memcpy(value, p->at, len);
        value[len] = 0;
        p->at += len;
        for (more = 0; value[more]; more++)
            value[more] = value[more] == '('   ? '['
                          : value[more] == ')' ? ']'
                                               : (char)tolower((unsigned char)value[more]);
        eat(p, ",");
        if (!*key && k < 0) {
            k++; /* the size that is inferred */
            continue;
        }
        if (!*key && !l->kind.keys[k].name) return false;
        ct_buf_printf(&p->out, "%s: %s, ", *key ? key : l->kind.keys[k++].name, value);
    }
    ct_buf_puts(&p->out, "}");
    return true;
}

static bool module_call(parser *p, const char *name) {
    char pattern[80], type[64];
    snprintf(pattern, sizeof pattern, "s.%s = nn.", name);
    const char *found = strstr(p->source, pattern), *back = p->at;
    if (!found) return false;
    p->at = found + strlen(pattern);
    const ct_layer *l = word(p, type, sizeof type) ? layer_of(type) : NULL;
    bool ok = l && eat(p, "(") && settings(p, l, l->build ? -1 : 0);
    ct_buf_printf(&p->out, ", name: %s}, ", name);
    p->at = back;
    return ok;
}

/* The rest of a function's arguments, after its first. */
static bool function_rest(parser *p, const char *name) {
    const ct_layer *l = ct_layer_find(name);
    if (!l) return false;
    eat(p, ",");
    if (!settings(p, l, 0)) return false;
    ct_buf_puts(&p->out, "}, ");
    return true;
}

static bool method(parser *p, const char *name) {
    if (strcmp(name, "view") && strcmp(name, "reshape")) return function_rest(p, name);
    size_t len = strcspn(p->at, ")");
    ct_buf_printf(&p->out, "{reshape: {shape: [%.*s]}}, ", (int)len, p->at);
    p->at += len;
    return eat(p, ")");
}

static bool expression(parser *p) {
    char name[64];
    bool ok;
    if (eat(p, "F."))
        ok = word(p, name, sizeof name) && eat(p, "(") && expression(p) && function_rest(p, name);
    else if (eat(p, "s."))
        ok = word(p, name, sizeof name) && eat(p, "(") && expression(p) && eat(p, ")") && module_call(p, name);
    else
        ok = eat(p, "x");
    while (ok && eat(p, ".")) ok = word(p, name, sizeof name) && eat(p, "(") && method(p, name);
    return ok;
}

char *golden_model(const char *source, const char **why) {
    parser p = {.source = source, .out = CT_BUF(1 << 16)};
    const char *forward = strstr(source, "def forward(s, x):"), *second = strstr(source + 1, "class ");
    *why = "its model is more than one chain of layers";
    if (!forward || second) return NULL;
    p.at = forward + strlen("def forward(s, x):");
    ct_buf_puts(&p.out, "[");
    bool ok = true, done = false;
    while (ok && !done) {
        done = eat(&p, "return");
        ok = (done || (eat(&p, "x") && eat(&p, "="))) && expression(&p);
        eat(&p, ";");
    }
    ct_buf_puts(&p.out, "]");
    if (ok && !ct_buf_status(&p.out)) return p.out.data;
    ct_buf_free(&p.out);
    return NULL;
}
