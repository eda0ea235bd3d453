/* Makes ctorch-spec(5): the page on standard input, in which a line of its own, .\" KEYS, becomes the reference of all
   keys. */
#include "ctorch_run.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct page {
    char kind[256]; /* under way: the path of a layer, a loss, ... */
    bool listing;
} page;

static void put_text(const char *s) {
    for (; *s; s++) fputs(*s == '\\' ? "\\e" : (const char[]){*s, 0}, stdout);
}

/* "Passes over the training data (integer from 1, default 10)." */
static void put_entry(const ct_schema_key *k) {
    putchar(*k->help >= 'a' && *k->help <= 'z' ? *k->help - 32 : *k->help);
    put_text(k->help + 1);
    if (!strcmp(k->type, "settings")) {
        puts(".");
        return;
    }
    fputs(" (", stdout);
    put_text(k->type);
    puts(k->required ? ", required)." : k->def ? "," : ").");
    if (k->def) printf("default\n.Li \"%s\" ) .\n", k->def);
}

static void open_section(page *p, const ct_schema_key *k) {
    if (p->listing) puts(".El");
    p->listing = false, p->kind[0] = 0;
    printf(".Ss Keys: %s\n", k->path);
    put_entry(k);
}

static void put_setting(const ct_schema_key *k, const char *name) {
    printf(".br\n.Cm %s :\n", name);
    put_entry(k);
}

static void put_key(void *ctx, const ct_schema_key *k) {
    page *p = ctx;
    size_t n = strlen(p->kind);
    if (!strchr(k->path, '.')) {
        open_section(p, k);
        return;
    }
    if (n && !strncmp(k->path, p->kind, n) && k->path[n] == '.') {
        put_setting(k, k->path + n + 1);
        return;
    }
    if (!p->listing) puts(".Bl -tag -width indent");
    p->listing = true;
    snprintf(p->kind, sizeof p->kind, "%s", strcmp(k->type, "settings") ? "" : k->path);
    printf(".It Cm %s\n", k->path);
    put_entry(k);
}

int main(void) {
    char line[4096];
    page p = {0};
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, ".\\\" KEYS\n")) {
            fputs(line, stdout);
            continue;
        }
        ct_schema_each(put_key, &p);
        if (p.listing) puts(".El");
    }
    return 0;
}
