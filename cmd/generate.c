/* ctorch generate: text that a model goes on with, as it is made. */
#include "cmd/cmd.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PROMPT ((size_t)64 << 20)
enum { TOKENS = 500 }; /* where no other number is asked for */
static const double temperature = 0.8, top_p = 0.95;

typedef struct args {
    const char *prompt, *prompt_file;
    int64_t tokens, top_k, seed, samples;
    ct_number temperature, top_p;
    bool json, no_cache;
    ct_machine machine;
} args;

#define AT(field) offsetof(args, field)
static const ct_option options[] = {
    {"prompt", 'p', "TEXT", CT_OPTION_TEXT, AT(prompt), "the text to go on from, else the start of a line", 0, 0},
    {"prompt-file", 'f', "FILE", CT_OPTION_TEXT, AT(prompt_file), "the same from a file, all of its bytes", 0, 0},
    {"tokens", 'n', "N", CT_OPTION_INT, AT(tokens), "write N tokens, else 500", 1, INT64_C(1) << 40},
    {"temperature", 't', "T", CT_OPTION_NUMBER, AT(temperature),
     "divide scores by T, else 0.8; 0: the most probable token always", 0, 1000},
    {"top-k", 0, "K", CT_OPTION_INT, AT(top_k), "draw from the K most probable tokens, else from all", 1,
     INT64_C(1) << 40},
    {"top-p", 0, "P", CT_OPTION_NUMBER, AT(top_p),
     "draw from the fewest tokens whose probabilities add up to P, else to 0.95", 0, 1},
    {"seed", 0, "S", CT_OPTION_INT, AT(seed), "another text for each S, else that of 0", 0, INT64_MAX},
    {"samples", 0, "N", CT_OPTION_INT, AT(samples), "write N texts, not one", 1, 1000000},
    {"no-cache", 0, NULL, CT_OPTION_FLAG, AT(no_cache), "compute the whole window again for each token", 0, 0},
    {"json", 0, NULL, CT_OPTION_FLAG, AT(json), "print a JSON object a text", 0, 0},
    CT_MACHINE_OPTIONS(args),
    {0}};

/* ---- text on its way out ---- */
typedef struct bytes {
    char *v; /* n of them, and a 0 */
    size_t n, cap;
} bytes;

static void add(bytes *b, const char *text, size_t n) {
    if (b->n + n >= b->cap) {
        bytes more = {.cap = 2 * (b->n + n) + 256};
        more.v = ct_cmd_alloc(more.cap, 1);
        if (b->n) memcpy(more.v, b->v, b->n);
        free(b->v);
        b->v = more.v, b->cap = more.cap;
    }
    memcpy(b->v + b->n, text, n);
    b->v[b->n += n] = 0;
}

typedef struct writer {
    bool terminal, json;
    const bytes *prompt; /* to be shown when the model has taken it; else NULL */
    bytes held;          /* json: the whole text; a terminal: a character of which more is to come */
    char last;
} writer;

/* On a terminal: the character, or what stands for it. */
static void show_held(writer *w) {
    char *s = w->held.v;
    if (w->held.n == 1 && (*s == '\n' || *s == '\t'))
        putchar(*s);
    else if (w->held.n)
        ct_say_text(stdout, *s ? s : "?", -1);
    w->held.n = 0;
}

static void show_byte(writer *w, char byte) {
    unsigned char c = (unsigned char)byte;
    if (c >> 6 != 2) show_held(w); /* a character begins */
    add(&w->held, &byte, 1);
    unsigned char lead = (unsigned char)*w->held.v;
    size_t whole = lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 1;
    if (w->held.n >= whole) show_held(w);
}

static void show(writer *w, const char *text, size_t n) {
    for (size_t i = 0; w->terminal && i < n; i++) show_byte(w, text[i]);
    if (!w->terminal) fwrite(text, 1, n, stdout);
    w->last = text[n - 1];
    fflush(stdout);
}

static bool take_token(void *ctx, const char *text, size_t n) {
    writer *w = ctx;
    if (w->json) {
        add(&w->held, text, n);
        return true;
    }
    if (w->prompt) show(w, w->prompt->v, w->prompt->n);
    w->prompt = NULL;
    show(w, text, n);
    return !ferror(stdout); /* main says so */
}

static void say_note(void *ctx, const char *line) {
    (void)ctx;
    ct_say(CT_OK, "%s", line);
}

/* ---- texts ---- */
static void print_json(const bytes *prompt, const writer *w, int64_t sample, const ct_generate_report *r) {
    ct_json j = {0};
    ct_json_open(&j, NULL, '{');
    ct_json_int(&j, "sample", sample);
    ct_json_bytes(&j, "prompt", prompt->n ? prompt->v : "", prompt->n);
    ct_json_bytes(&j, "text", w->held.n ? w->held.v : "", w->held.n);
    ct_json_int(&j, "prompt_tokens", r->prompt_tokens);
    ct_json_int(&j, "tokens", r->tokens);
    ct_json_number(&j, "prompt_seconds", r->prompt_seconds);
    ct_json_number(&j, "seconds", r->seconds);
    ct_json_bool(&j, "cached", r->cached);
    ct_json_close(&j, '}');
}

static ct_status write_sample(ct_model *m, ct_generate_options *o, const bytes *prompt, bool json) {
    writer w = {isatty(STDOUT_FILENO), json, prompt->n ? prompt : NULL, {0}, '\n'};
    ct_generate_report r;
    o->ctx = &w;
    if (o->sample) o->note = NULL; /* once is enough */
    if (!json && o->sample) puts("---------------");
    ct_status status = ct_generate(m, o, &r);
    if (!json) show_held(&w);
    if (!json && w.last != '\n') putchar('\n');
    fflush(stdout);
    if (!status && json) print_json(prompt, &w, (int64_t)o->sample, &r);
    free(w.held.v);
    return ct_say_error(status);
}

/* ---- the prompt ---- */
static ct_status read_all(FILE *f, const char *name, bytes *out) {
    char part[4096];
    size_t n;
    errno = 0;
    while ((n = fread(part, 1, sizeof part, f)) > 0) {
        if (out->n + n > MAX_PROMPT) return ct_say(CT_BAD_DATA, "%s: is a prompt of over 64 MiB", name);
        add(out, part, n);
    }
    return ferror(f) ? ct_say(CT_FAIL, "%s: cannot be read: %s", name, strerror(errno)) : CT_OK;
}

static ct_status read_file(const char *path, bytes *out) {
    FILE *f = fopen(path, "rb");
    if (!f) return ct_say(CT_FAIL, "%s: cannot be opened: %s", path, strerror(errno));
    ct_status status = read_all(f, path, out);
    fclose(f);
    return status;
}

/* Of the three places where it may be said. */
static ct_status read_prompt(const args *a, bool from_stdin, ct_generate_options *o, bytes *out) {
    ct_status status = CT_OK;
    if (!!a->prompt + !!a->prompt_file + from_stdin > 1)
        return ct_say(CT_BAD_SPEC, "generate: one prompt: --prompt, --prompt-file or '-'");
    from_stdin = from_stdin || (a->prompt_file && !strcmp(a->prompt_file, "-"));
    o->prompt_name = a->prompt ? "--prompt" : from_stdin ? "standard input" : a->prompt_file;
    if (!o->prompt_name) return CT_OK;
    if (a->prompt)
        add(out, a->prompt, strlen(a->prompt));
    else
        status = from_stdin ? read_all(stdin, o->prompt_name, out) : read_file(a->prompt_file, out);
    o->prompt = out->v ? out->v : "", o->prompt_bytes = out->n;
    return status;
}

/* ---- the command ---- */
static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    ct_model *m;
    bytes prompt = {0};
    ct_generate_options o = {.tokens = a->tokens ? a->tokens : TOKENS,
                             .temperature = a->temperature.given ? a->temperature.value : temperature,
                             .top_k = a->top_k,
                             .top_p = a->top_p.given ? a->top_p.value : top_p,
                             .seed = (uint64_t)a->seed,
                             .no_cache = a->no_cache,
                             .text = take_token,
                             .note = say_note};
    if (operands.n > 1 && strcmp(operands.v[1], "-"))
        return ct_say(CT_BAD_SPEC, "generate: '%s' is one too many; --prompt-file reads a prompt", operands.v[1]);
    ct_status status = ct_machine_use(&a->machine);
    if (!status) status = read_prompt(a, operands.n > 1, &o, &prompt);
    if (!status && !(status = ct_say_error(ct_model_open(operands.v[0], &m)))) {
        int64_t samples = a->samples ? a->samples : 1;
        for (; !status && !ferror(stdout) && (int64_t)o.sample < samples; o.sample++)
            status = write_sample(m, &o, &prompt, a->json);
        ct_model_close(m);
    }
    free(prompt.v);
    return status;
}

const ct_command ct_command_generate = {
    "generate", "Writes text as a model of text goes on with it", "MODEL [-]", 1, 2, options, sizeof(args), run};
