/* ctorch completion: what a shell needs to complete its command line, from the commands' rows and the schema. */
#include "cmd/cmd.h"
#include <stdlib.h>
#include <string.h>

typedef struct args {
    const char *keys;
} args;

static const ct_option options[] = {
    {"keys", 0, "TEXT", CT_OPTION_TEXT, offsetof(args, keys), "list how TEXT may go on after --set", 0, 0}, {0}};

/* ---- keys ---- */
typedef struct search {
    const char *typed;
    ct_list found;
} search;

static void add(ct_list *l, const char *word) {
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->v[i], word)) return;
    ct_list_add(l, word);
}

/* A key as it is set: a place in a list is the one that was typed, else 0; names of the spec's own only it knows. */
static bool place_key(const char *path, const char *typed, char *out, size_t size) {
    size_t n = 0;
    for (; *path; path += strcspn(path, "."), path += *path == '.') {
        size_t len = strcspn(path, "."), given = strcspn(typed, ".=");
        bool is_place = len == 1 && *path == 'N', is_number = given && strspn(typed, "0123456789") == given;
        if (len == 4 && !memcmp(path, "NAME", 4)) return false;
        const char *word = !is_place ? path : is_number ? typed : "0";
        n += (size_t)snprintf(out + n, size - n, "%s%.*s", n ? "." : "",
                              (int)(word == typed ? given
                                    : is_place    ? 1
                                                  : len),
                              word);
        if (n >= size) return false;
        typed += given + (typed[given] == '.');
    }
    return true;
}

/* The values of "mean|sum|none", as KEY=mean and so on. */
static void add_values(search *s, const char *key, const char *type) {
    for (const char *word = type; strchr(type, '|') && !strchr(type, ' ') && *word; word += *word == '|') {
        size_t n = strcspn(word, "|");
        char *text = ct_cmd_format("%s=%.*s", key, (int)n, word);
        if (!strncmp(text, s->typed, strlen(s->typed))) add(&s->found, text);
        free(text);
        word += n;
    }
}

/* One step further: "train." leads to "train.epochs=". */
static void look(void *ctx, const ct_schema_key *k) {
    search *s = ctx;
    char key[512];
    size_t n = strlen(s->typed);
    if (!place_key(k->path, s->typed, key, sizeof key)) return;
    size_t len = strlen(key);
    if (n > len && !strncmp(key, s->typed, len) && s->typed[len] == '=') add_values(s, key, k->type);
    if (n > len || strncmp(key, s->typed, n) || !strcmp(k->type, "map")) return;
    size_t more = strcspn(key + n, ".");
    char *text = ct_cmd_format("%.*s%s", (int)(n + more), key, key[n + more] ? "." : "=");
    add(&s->found, text);
    free(text);
}

static void list_keys(const char *typed) {
    search s = {.typed = typed};
    ct_schema_each(look, &s);
    for (size_t i = 0; i < s.found.n; i++) puts(s.found.v[i]);
    ct_list_free(&s.found);
}

/* ---- scripts ---- */
/* Text inside single quotes; `mark` stands before characters of `special`. */
static void put_quoted(const char *text, const char *special, const char *quote) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs(quote, stdout);
        else
            printf("%s%c", strchr(special, *text) ? "\\" : "", *text);
    }
}

static void bash_options(const ct_command *c) {
    printf("    %s) words='", c->name);
    for (const ct_option *o = c->options; o->name; o++) printf("--%s%s ", o->name, o->arg ? "=" : "");
    puts("--help' ;;");
}

static void bash(void) {
    puts("# ctorch's completion for bash\n"
         "_ctorch() {\n"
         "  local line=${COMP_LINE:0:COMP_POINT} words= word last\n"
         "  word=${line##* } last=${line% *} last=${last##* }\n"
         "  [ \"$last\" = --set ] && word=--set=$word\n"
         "  COMPREPLY=()\n"
         "  case $word in\n"
         "  --set=*)\n"
         "    mapfile -t COMPREPLY < <(ctorch completion --keys \"${word#--set=}\")\n"
         "    word=${word#--set=}\n"
         "    [[ $word == *=* ]] && COMPREPLY=(\"${COMPREPLY[@]#\"${word%%=*}=\"}\")\n"
         "    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[.=] ]] && compopt -o nospace\n"
         "    return ;;\n"
         "  esac\n"
         "  case ${COMP_WORDS[1]} in");
    for (int i = 0; ct_command_at(i); i++) bash_options(ct_command_at(i));
    fputs("  esac\n  [ \"$COMP_CWORD\" -eq 1 ] && words='", stdout);
    for (int i = 0; ct_command_at(i); i++) printf("%s ", ct_command_at(i)->name);
    puts("help'\n"
         "  [[ $COMP_CWORD -eq 1 || $word == -* ]] && mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "  [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
         "}\n"
         "complete -o default -F _ctorch ctorch");
}

static void zsh_option(const ct_option *o) {
    static const char quote[] = "'\\''";
    if (o->letter) printf(" '(-%c --%s)-%c%s[", o->letter, o->name, o->letter, o->arg ? "+" : "");
    if (o->letter) put_quoted(o->help, "[]:\\", quote);
    if (o->letter) printf("]%s%s%s'", o->arg ? ":" : "", o->arg ? o->arg : "", o->arg ? ":_files" : "");
    printf(" '%s--%s%s[", o->type == CT_OPTION_LIST ? "*" : "", o->name, o->arg ? "=" : "");
    put_quoted(o->help, "[]:\\", quote);
    printf("]%s%s%s'", o->arg ? ":" : "", o->arg ? o->arg : "",
           !o->arg                   ? ""
           : !strcmp(o->name, "set") ? ":_ctorch_keys"
                                     : ":_files");
}

static void zsh(void) {
    puts("#compdef ctorch\n"
         "_ctorch_keys() {\n"
         "  local -a keys\n"
         "  keys=(${(f)\"$(ctorch completion --keys \"$PREFIX\")\"})\n"
         "  compadd -S '' -- $keys\n"
         "}\n"
         "_ctorch() {\n"
         "  local line state\n"
         "  local -a commands");
    fputs("  commands=(", stdout);
    for (int i = 0; ct_command_at(i); i++) {
        printf("'%s:", ct_command_at(i)->name);
        put_quoted(ct_command_at(i)->help, ":\\", "'\\''");
        fputs("' ", stdout);
    }
    puts("'help:Lists commands and their options')\n"
         "  _arguments -C '1:command:->command' '*::argument:->rest'\n"
         "  [[ $state == command ]] && _describe command commands\n"
         "  [[ $state == rest ]] && case $line[1] in");
    for (int i = 0; ct_command_at(i); i++) {
        printf("  %s) _arguments", ct_command_at(i)->name);
        for (const ct_option *o = ct_command_at(i)->options; o->name; o++) zsh_option(o);
        puts(" '--help[print this help]' '*:file:_files' ;;");
    }
    puts("  esac\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _ctorch ]; then _ctorch \"$@\"; else compdef _ctorch ctorch; fi");
}

static void fish(void) {
    static const char quote[] = "\\'";
    puts("# ctorch's completion for fish");
    for (int i = 0; ct_command_at(i); i++) {
        const ct_command *c = ct_command_at(i);
        printf("complete -c ctorch -n __fish_use_subcommand -f -a %s -d '", c->name);
        put_quoted(c->help, "\\", quote);
        puts("'");
        for (const ct_option *o = c->options; o->name; o++) {
            printf("complete -c ctorch -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
            if (o->letter) printf(" -s %c", o->letter);
            if (!strcmp(o->name, "set"))
                fputs(" -x -a '(ctorch completion --keys (commandline -ct | string replace -- --set= \"\"))'", stdout);
            else if (o->arg)
                fputs(" -r", stdout);
            fputs(" -d '", stdout);
            put_quoted(o->help, "\\", quote);
            puts("'");
        }
    }
}

static ct_status run(const void *args_, ct_operands operands) {
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    const args *a = args_;
    if (a->keys) {
        list_keys(a->keys);
        return CT_OK;
    }
    for (size_t i = 0; operands.n && i < sizeof shells / sizeof *shells; i++)
        if (!strcmp(operands.v[0], shells[i].name)) {
            shells[i].print();
            return CT_OK;
        }
    return ct_say(CT_BAD_SPEC, "completion: the shells are bash, zsh and fish");
}

const ct_command ct_command_completion = {
    "completion", "Prints a shell's completion of command lines", "bash|zsh|fish", 0, 1, options, sizeof(args), run};
