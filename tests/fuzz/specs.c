/* Specs damaged token by token and node by node: read, checked and refused, or sound, and then so when expanded. */
#include "base/alloc.h"
#include "fuzz.h"
#include "run/spec.h"
#include "yaml/doc.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_SEEDS 64
#define MAX_TOKENS 4096
#define ROOM ((size_t)100 << 20) /* bytes that a spec may take */

/* What the shelf does not use. */
static const char rich[] =
    "vars: {n: 3, width: 16}\n"
    "blocks:\n"
    "  dense: {params: {width: , p: 0.1}, layers: [linear: $width, relu, dropout: $p]}\n"
    "  twice: {params: {width: 8}, layers: [dense: $width, {dense: {width: 2*$width, p: 0}, name: b}]}\n"
    "data: {dataset: random, shape: [3, 8, 8], classes: 4, samples: 32, validation: 0.25}\n"
    "model:\n"
    "  - {conv2d: {out_channels: 4, kernel_size: [3, 3], stride: 2, padding: 1, bias: false}, name: stem}\n"
    "  - residual: [conv2d: {out_channels: 8, kernel_size: 1}, batch_norm]\n"
    "    shortcut: [conv2d: {out_channels: 8, kernel_size: 1}]\n"
    "  - concat: [[relu], [sigmoid, max_pool2d: {kernel_size: 3, stride: 1, padding: 1}]]\n"
    "  - flatten\n"
    "  - {twice: $width, repeat: $n-1}\n"
    "  - &last {linear: 4, name: a}\n"
    "  - {linear: 4, name: b}\n"
    "  - add: {inputs: [a, b]}\n"
    "loss: {cross_entropy: {label_smoothing: 0.1}}\n"
    "optimizer: {adamw: {lr: 1e-3, betas: [0.9, 0.99]}, groups: {\"*.bias\": {weight_decay: 0}}}\n"
    "schedule: {cosine: {T_max: 4}, per: epoch}\n"
    "train: {epochs: 4, batch_size: 8, monitor: loss}\n";

static const char *const hostile[] = {"0",
                                      "-1",
                                      "2147483648",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "1e308",
                                      "1e309",
                                      "-1e308",
                                      "nan",
                                      "inf",
                                      "1.5",
                                      "0x10",
                                      "true",
                                      "null",
                                      "~",
                                      "\"\"",
                                      "''",
                                      "[]",
                                      "{}",
                                      "[[]]",
                                      "$n",
                                      "$",
                                      "$n*$n",
                                      "2147483648*$n",
                                      "1//0",
                                      "%",
                                      "*last",
                                      "&last",
                                      "auto",
                                      "test",
                                      "random",
                                      "digits",
                                      "linear",
                                      "relu",
                                      "residual",
                                      "sequential",
                                      "add",
                                      "repeat",
                                      "name",
                                      "inputs",
                                      "model",
                                      "!!int",
                                      "? ",
                                      "|",
                                      ">",
                                      "- ",
                                      ": ",
                                      ", ",
                                      "\n",
                                      "\n  ",
                                      "\t",
                                      "#",
                                      "\xff",
                                      "\xc3\xa9",
                                      "{linear: 2147483648}",
                                      "[conv2d: {out_channels: 1048576, kernel_size: 1048576}]",
                                      "{repeat: 10000}",
                                      "{transpose: {dim0: 9, dim1: -9}}",
                                      "{reshape: [-1, -1]}",
                                      "{reshape: [9223372036854775807, 2]}",
                                      "{expand: [1073741824, 1073741824, 1073741824, 8]}"};

typedef struct specs {
    char *text[MAX_SEEDS];
    int n;
    uint64_t (*below)(uint64_t n);
    ct_buf now;
    int past_yaml, sound, passed, failed;
} specs;

static const char *any_hostile(specs *s) { return hostile[s->below(CT_COUNT(hostile))]; }

/* ---- tokens ---- */
typedef struct token {
    const char *at;
    int len;
} token;

static int class_of(char c) {
    if (c == '\n') return 0;
    if (c == ' ') return 1;
    return strchr("[]{},:-&*#\"'$?|>%@!", c) ? 2 : 3;
}

static int split(const char *text, token *out) {
    int n = 0;
    for (const char *p = text; *p && n < MAX_TOKENS; n++) {
        const char *from = p;
        int class = class_of(*p++);
        while (*p && class != 0 && class != 2 && class_of(*p) == class) p++;
        out[n] = (token){from, (int)(p - from)};
    }
    return n;
}

static void change_tokens(specs *s, const char *text) {
    static token t[2 * MAX_TOKENS], other[2 * MAX_TOKENS];
    int n = split(text, t), m = split(s->text[s->below((uint64_t)s->n)], other);
    for (uint64_t edits = 1 + s->below(4); n && edits; edits--) {
        size_t i = s->below((uint64_t)n), k = s->below((uint64_t)n);
        token swap = t[i];
        const char *value = any_hostile(s);
        switch (s->below(5)) {
        case 0:
            t[i].len = 0;
            break;
        case 1:
            t[i] = t[k];
            break;
        case 2:
            t[i] = t[k], t[k] = swap;
            break;
        case 3:
            t[i] = other[s->below((uint64_t)m)];
            break;
        default:
            t[i] = (token){value, (int)strlen(value)};
        }
    }
    for (int i = 0; i < n; i++) ct_buf_add(&s->now, t[i].at, (size_t)t[i].len);
}

/* ---- nodes ---- */
static int list_nodes(ct_yaml *node, ct_yaml **out, int n) {
    if (n < MAX_TOKENS) out[n++] = node;
    for (int i = 0; node->kind != CT_SCALAR && i < node->n; i++) n = list_nodes(node->value[i], out, n);
    return n;
}

static ct_yaml *parse(ct_doc *doc, const char *text) {
    ct_yaml *root = NULL;
    return ct_doc_parse(doc, "fuzz", text, strlen(text), &root) ? NULL : root;
}

/* The value in lists in lists, or long, or deep. */
static ct_yaml *grow(specs *s, ct_doc *doc, ct_yaml *node) {
    static char text[5001];
    if (s->below(3) == 0) {
        memset(text, 'x', sizeof text - 1);
        return ct_yaml_scalar(doc, text + s->below(4990), s->below(2), node);
    }
    for (uint64_t depth = 1 + s->below(s->below(4) ? 3 : 70); node && depth; depth--) {
        ct_yaml *list = ct_yaml_new(doc, CT_LIST, node);
        for (uint64_t copies = 1 + s->below(depth < 4 ? 3 : 1); list && copies; copies--)
            ct_yaml_add(doc, list, NULL, node);
        node = list;
    }
    return node;
}

static void change_node(specs *s, ct_doc *doc, ct_yaml **all, int n, ct_yaml *other) {
    ct_yaml *node = all[s->below((uint64_t)n)];
    for (int tries = 0; tries < 20 && (node->kind == CT_SCALAR || !node->n); tries++) node = all[s->below((uint64_t)n)];
    if (node->kind == CT_SCALAR || !node->n) return;
    size_t i = s->below((uint64_t)node->n), k = s->below((uint64_t)node->n);
    ct_yaml **slot = &node->value[i], *swap = *slot;
    switch (s->below(8)) {
    case 0: /* drop */
        node->n--;
        node->value[i] = node->value[node->n];
        if (node->kind == CT_MAP) node->key[i] = node->key[node->n];
        break;
    case 1:
        *slot = node->value[k], node->value[k] = swap;
        break;
    case 2: /* another's copy */
        *slot = ct_yaml_copy(doc, other);
        break;
    case 3: /* twice */
        ct_yaml_add(doc, node, node->kind == CT_MAP ? node->key[i] : NULL, ct_yaml_copy(doc, swap));
        break;
    case 4: /* renamed */
        if (node->kind == CT_MAP)
            node->key[i] = ct_yaml_scalar(doc, s->below(2) ? any_hostile(s) : node->key[k]->text, false, node);
        break;
    case 5:
        *slot = grow(s, doc, swap);
        break;
    default: {
        ct_yaml *value = parse(doc, any_hostile(s));
        *slot = value ? value : ct_yaml_scalar(doc, any_hostile(s), false, node);
    }
    }
    if (node->n && !node->value[CT_MIN((int)i, node->n - 1)]) node->n = 0; /* the document is full */
}

static bool change_nodes(specs *s, const char *text) {
    static ct_yaml *all[MAX_TOKENS], *others[MAX_TOKENS];
    ct_doc *doc = ct_doc_new();
    ct_yaml *root = parse(doc, text), *other = parse(doc, s->text[s->below((uint64_t)s->n)]);
    int n_others = other ? list_nodes(other, others, 0) : 0;
    for (uint64_t edits = root && n_others ? 1 + s->below(3) : 0; edits; edits--)
        change_node(s, doc, all, list_nodes(root, all, 0), others[s->below((uint64_t)n_others)]);
    if (root) ct_yaml_write(root, &s->now);
    ct_doc_free(doc);
    return root != NULL;
}

/* ---- judgement ---- */
static ct_status check(const char *text, size_t len, int64_t *parameters, char **expanded) {
    ct_spec *spec;
    ct_check_report report;
    CT_TRY(ct_spec_parse("fuzz.yaml", text, len, NULL, &spec, NULL));
    ct_status status = ct_spec_check(spec, &report, NULL);
    if (!status) {
        *parameters = report.parameters;
        ct_check_report_free(&report);
        if (expanded) status = ct_spec_expanded(spec, expanded);
    }
    ct_spec_free(spec);
    return status;
}

static void judge(specs *s, const char *how) {
    ct_doc *doc = ct_doc_new();
    if (!s->now.data) ct_buf_puts(&s->now, "");
    s->past_yaml += parse(doc, s->now.data) != NULL;
    ct_doc_free(doc);
    char *expanded = NULL;
    int64_t parameters = 0, again = 0;
    alarm(20); /* a hang ends the program */
    ct_status status = check(s->now.data, s->now.len, &parameters, &expanded);
    bool ok = status == CT_OK || status == CT_BAD_SPEC || status == CT_BAD_DATA;
    if (!status) {
        s->sound++;
        ok = !check(expanded, strlen(expanded), &again, NULL) && again == parameters;
    }
    alarm(0);
    ct_text_free(expanded);
    s->passed += ok, s->failed += !ok;
    if (!ok && s->failed < 4) printf("spec by %s: status %d: %s\n%s\n----\n", how, status, ct_error(), s->now.data);
}

static void add_seed(specs *s, const char *text, size_t len) {
    char *copy = s->n < MAX_SEEDS ? ct_alloc(len + 1, 1) : NULL;
    if (copy) s->text[s->n++] = memcpy(copy, text, len);
}

/* The synopsis of ctorch-spec(5). */
static void add_page(specs *s, const char *page) {
    const char *from = page ? strstr(page, ".Bd -literal\n") : NULL, *to = from ? strstr(from, ".Ed") : NULL;
    if (to) add_seed(s, from + strlen(".Bd -literal\n"), (size_t)(to - from) - strlen(".Bd -literal\n"));
}

static void find_seeds(specs *s) {
    glob_t found;
    add_seed(s, rich, strlen(rich));
    if (glob("specs/*.yaml", 0, NULL, &found)) return;
    glob("man/ctorch-spec.5.in", GLOB_APPEND, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        static char text[1 << 16];
        FILE *f = fopen(found.gl_pathv[i], "rb");
        size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
        if (f) fclose(f);
        text[n] = 0;
        if (strstr(found.gl_pathv[i], ".yaml"))
            add_seed(s, text, n);
        else
            add_page(s, text);
    }
    globfree(&found);
}

/* Address space for ROOM more bytes; a sanitizer needs all of it. */
static void limit_memory(bool on) {
#ifndef __SANITIZE_ADDRESS__
    struct rlimit limit;
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld", &pages) != 1 || getrlimit(RLIMIT_AS, &limit)) pages = 0;
    if (f) fclose(f);
    if (!pages) return;
    limit.rlim_cur = on ? (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ROOM : limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
#else
    (void)on;
#endif
}

void fuzz_specs(int n, uint64_t (*below)(uint64_t n), int total[2]) {
    specs s = {.below = below, .now = CT_BUF((size_t)16 << 20)};
    find_seeds(&s);
    for (int i = 0; i < s.n; i++) { /* whole ones are sound */
        int64_t parameters;
        ct_status status = check(s.text[i], strlen(s.text[i]), &parameters, NULL);
        s.passed += !status, s.failed += status != CT_OK;
        if (status) printf("spec %d: %s\n", i, ct_error());
    }
    limit_memory(true);
    for (int i = 0; i < n; i++) {
        const char *text = s.text[below((uint64_t)s.n)];
        bool nodes = below(2);
        s.now.len = 0;
        if (nodes)
            change_nodes(&s, text);
        else
            change_tokens(&s, text);
        judge(&s, nodes ? "nodes" : "tokens");
    }
    limit_memory(false);
    bool enough = 3 * s.past_yaml >= n && s.sound;
    printf("specs: %d mutations, %d past YAML into the checks, %d sound; %d passed, %d failed\n", n, s.past_yaml,
           s.sound, s.passed + enough, s.failed + !enough);
    total[0] += s.passed + enough, total[1] += s.failed + !enough;
    for (int i = 0; i < s.n; i++) ct_free(s.text[i]);
    ct_buf_free(&s.now);
}
