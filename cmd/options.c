/* A command line read by the command's rows. */
#include "cmd/cmd.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct parser {
    const ct_command *command;
    char *args; /* the struct that is filled */
    char **next, **end;
    ct_operands *operands;
    ct_ask *ask;
} parser;

static const char man_options[] = "man-options"; /* for the man page's test; shown nowhere */

static const ct_option *find_long(const ct_command *c, const char *name, size_t len) {
    for (const ct_option *o = c->options; o->name; o++)
        if (strlen(o->name) == len && !memcmp(o->name, name, len)) return o;
    bool help = strlen(ct_option_help.name) == len && !memcmp(ct_option_help.name, name, len);
    return help ? &ct_option_help : NULL;
}

static const ct_option *find_letter(const ct_command *c, char letter) {
    for (const ct_option *o = c->options; o->name; o++)
        if (o->letter == letter) return o;
    return ct_option_help.letter == letter ? &ct_option_help : NULL;
}

static ct_status set_int(const ct_command *c, const ct_option *o, const char *value, int64_t *out) {
    char *end;
    errno = 0;
    long long v = strtoll(value, &end, 10);
    if (end == value || *end || errno || v < o->min || v > o->max)
        return ct_say(CT_BAD_SPEC, "%s --%s: '%s' is not a whole number from %lld to %lld", c->name, o->name, value,
                      (long long)o->min, (long long)o->max);
    *out = v;
    return CT_OK;
}

static ct_status set_number(const ct_command *c, const ct_option *o, const char *value, ct_number *out) {
    char *end;
    double v = strtod(value, &end);
    if (end == value || *end || !(v >= (double)o->min && v <= (double)o->max))
        return ct_say(CT_BAD_SPEC, "%s --%s: '%s' is not a number from %lld to %lld", c->name, o->name, value,
                      (long long)o->min, (long long)o->max);
    *out = (ct_number){v, true};
    return CT_OK;
}

/* A sum of numbers with units, the larger unit first. */
static ct_status set_time(const ct_command *c, const ct_option *o, const char *value, double *out) {
    static const struct {
        char unit;
        double seconds;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    const int n = sizeof units / sizeof *units;
    const char *at = value;
    double sum = 0;
    for (int next = 0; at && *at;) {
        char *end;
        double v = strspn(at, "0123456789.") ? strtod(at, &end) : -1;
        int unit = next;
        while (v >= 0 && unit < n && units[unit].unit != *end) unit++;
        at = v >= 0 && unit < n ? end + 1 : NULL;
        if (at) sum += v * units[unit].seconds, next = unit + 1;
    }
    if (!at || !(sum > 0) || sum > 1e9)
        return ct_say(CT_BAD_SPEC, "%s --%s: '%s' is no time, such as 90s, 15m, 2h, 1d or 1h30m", c->name, o->name,
                      value);
    *out = sum;
    return CT_OK;
}

/* The list grows by one; a command line is short, so it is copied each time. */
static void add_to_list(const char ***list, const char *value) {
    size_t n = 0;
    while (*list && (*list)[n]) n++;
    const char **longer = ct_cmd_alloc(n + 2, sizeof *longer);
    if (n) memcpy(longer, *list, n * sizeof *longer);
    longer[n] = value;
    free(*list);
    *list = longer;
}

static ct_status set(parser *p, const ct_option *o, const char *value) {
    void *field = p->args + o->offset;
    if (o == &ct_option_help)
        *p->ask = CT_ASK_HELP;
    else if (o->type == CT_OPTION_FLAG)
        *(bool *)field = true;
    else if (o->type == CT_OPTION_TEXT)
        *(const char **)field = value;
    else if (o->type == CT_OPTION_LIST)
        add_to_list(field, value);
    else if (o->type == CT_OPTION_TIME)
        return set_time(p->command, o, value, field);
    else if (o->type == CT_OPTION_NUMBER)
        return set_number(p->command, o, value, field);
    else
        return set_int(p->command, o, value, field);
    return CT_OK;
}

/* The value of an option that wants one and was not given it by `=`: the next word. */
static ct_status take_value(parser *p, const ct_option *o, const char **value) {
    if (p->next == p->end) return ct_say(CT_BAD_SPEC, "%s --%s: %s is missing", p->command->name, o->name, o->arg);
    *value = *p->next++;
    return CT_OK;
}

static ct_status read_long(parser *p, const char *word) {
    const ct_command *c = p->command;
    size_t len = strcspn(word, "="), n = 0;
    const ct_option *o = find_long(c, word, len);
    const char *value = word[len] ? word + len + 1 : NULL;
    if (!o && !strcmp(word, man_options)) {
        *p->ask = CT_ASK_MAN;
        return CT_OK;
    }
    if (!o) {
        char *name = ct_cmd_format("%.*s", (int)(len < 100 ? len : 100), word);
        while (c->options[n].name) n++;
        const char *near = ct_say_nearest(name, c->options, n, sizeof *c->options);
        ct_say(CT_BAD_SPEC, near ? "%s has no option '--%s'; did you mean '--%s'?" : "%s has no option '--%s'", c->name,
               name, near);
        free(name);
        return CT_BAD_SPEC;
    }
    if (value && !o->arg) return ct_say(CT_BAD_SPEC, "%s --%s: takes no value", c->name, o->name);
    if (!value && o->arg && take_value(p, o, &value)) return CT_BAD_SPEC;
    return set(p, o, value);
}

/* -q, -oDIR, -o DIR, -qoDIR. */
static ct_status read_letters(parser *p, const char *word) {
    for (; *word; word++) {
        const ct_option *o = find_letter(p->command, *word);
        if (!o) return ct_say(CT_BAD_SPEC, "%s has no option '-%c'", p->command->name, *word);
        const char *value = o->arg && word[1] ? word + 1 : NULL;
        if (o->arg && !value && take_value(p, o, &value)) return CT_BAD_SPEC;
        if (set(p, o, value)) return CT_BAD_SPEC;
        if (o->arg) break;
    }
    return CT_OK;
}

static ct_status read_word(parser *p, bool *only_operands) {
    char *word = *p->next++;
    if (*only_operands || *word != '-' || !word[1])
        p->operands->v[p->operands->n++] = word;
    else if (!strcmp(word, "--"))
        *only_operands = true;
    else if (word[1] == '-')
        return read_long(p, word + 2);
    else
        return read_letters(p, word + 1);
    return CT_OK;
}

ct_status ct_options_parse(const ct_command *c, int argc, char **argv, void *args, ct_operands *out, ct_ask *ask) {
    parser p = {c, args, argv, argv + argc, out, ask};
    bool only_operands = false;
    *ask = CT_ASK_RUN;
    *out = (ct_operands){ct_cmd_alloc((size_t)argc + 1, sizeof *out->v), 0};
    while (p.next < p.end)
        if (read_word(&p, &only_operands)) return CT_BAD_SPEC;
    if (*ask != CT_ASK_RUN) return CT_OK;
    if (out->n < c->min)
        return ct_say(CT_BAD_SPEC, "%s wants %s; 'ctorch help %s' says more", c->name, c->operands, c->name);
    if (c->max >= 0 && out->n > c->max)
        return ct_say(CT_BAD_SPEC, "%s: '%s' is one too many; 'ctorch help %s' says more", c->name, out->v[c->max],
                      c->name);
    return CT_OK;
}
