/* A command's rows as help and as the man page's list. */
#include "cmd/cmd.h"
#include <string.h>

const ct_option ct_option_help = {"help", 'h', NULL, CT_OPTION_FLAG, 0, "print this help", 0, 0};

static void print_option(const ct_option *o, int width) {
    char names[128];
    snprintf(names, sizeof names, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
    if (o->letter)
        printf("  -%c, %-*s  %s\n", o->letter, width, names, o->help);
    else
        printf("      %-*s  %s\n", width, names, o->help);
}

void ct_help_command(const ct_command *c) {
    int width = (int)strlen("--help");
    for (const ct_option *o = c->options; o->name; o++) {
        int w = (int)(strlen(o->name) + (o->arg ? strlen(o->arg) + 1 : 0)) + 2;
        width = w > width ? w : width;
    }
    printf("Usage: ctorch %s [OPTION]...%s%s\n\n%s.\n\n", c->name, *c->operands ? " " : "", c->operands, c->help);
    for (const ct_option *o = c->options; o->name; o++) print_option(o, width);
    print_option(&ct_option_help, width);
    printf("\nman ctorch-%s says more.\n", c->name);
}

static void man_option(const ct_option *o) {
    fputs(".It", stdout);
    if (o->letter) printf(" Fl %c%s%s ,", o->letter, o->arg ? " Ar " : "", o->arg ? o->arg : "");
    printf(" Fl Fl %s%s%s\n%s.\n", o->name, o->arg ? " Ar " : "", o->arg ? o->arg : "", o->help);
}

void ct_help_man(const ct_command *c) {
    puts(".Bl -tag -width indent");
    for (const ct_option *o = c->options; o->name; o++) man_option(o);
    man_option(&ct_option_help);
    puts(".El");
}
