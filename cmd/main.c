/* ctorch COMMAND [OPTION]... [OPERAND]... */
#include "cmd/cmd.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMANDS(each)                                                                                       \
    each(train) each(eval) each(predict) each(generate) each(check) each(show) each(schema) each(completion) \
        each(fetch) each(devices) each(bench)
#define DECLARE(name) extern const ct_command ct_command_##name;
COMMANDS(DECLARE)
#define LIST(name) &ct_command_##name,
static const ct_command *const commands[] = {COMMANDS(LIST)};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
static const char *const planned[] = {"export", "serve"};

volatile int ct_stop_signal;

/* A file opened by the library must not become a standard stream. What is opened in a closed one's place fails as that
   would: it is open in the wrong direction. */
static void fill_standard_streams(void) {
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0) _exit(1);
}

static ct_status help(void) {
    puts("Usage: ctorch COMMAND [OPTION]... [OPERAND]...\n\nTrains and uses models that a YAML spec describes.\n");
    for (size_t i = 0; i < COUNT(commands); i++) printf("  %-10s  %s\n", commands[i]->name, commands[i]->help);
    puts("\n'ctorch help COMMAND' lists a command's options; --version prints the version.");
    return CT_OK;
}

const ct_command *ct_command_at(int i) { return i < (int)COUNT(commands) ? commands[i] : NULL; }

static const ct_command *find(const char *name) {
    for (size_t i = 0; i < COUNT(commands); i++)
        if (!strcmp(commands[i]->name, name)) return commands[i];
    return NULL;
}

static ct_status unknown(const char *name) {
    const char *names[COUNT(commands)];
    for (size_t i = 0; i < COUNT(planned); i++)
        if (!strcmp(planned[i], name)) return ct_say(CT_FAIL, "'%s' is planned and not there yet", name);
    for (size_t i = 0; i < COUNT(commands); i++) names[i] = commands[i]->name;
    const char *near = ct_say_nearest(name, names, COUNT(names), sizeof *names);
    const char *what = *name == '-' ? "option" : "command";
    if (near) return ct_say(CT_BAD_SPEC, "unknown %s '%.100s'; did you mean '%s'?", what, name, near);
    return ct_say(CT_BAD_SPEC, "unknown %s '%.100s'; 'ctorch help' lists what there is", what, name);
}

static ct_status run_command(const ct_command *c, int argc, char **argv) {
    void *args = ct_cmd_alloc(1, c->args_size);
    ct_operands operands;
    ct_ask ask;
    ct_status status = ct_options_parse(c, argc, argv, args, &operands, &ask);
    if (!status && ask == CT_ASK_HELP)
        ct_help_command(c);
    else if (!status && ask == CT_ASK_MAN)
        ct_help_man(c);
    else if (!status)
        status = c->run(args, operands);
    for (const ct_option *o = c->options; o->name; o++)
        if (o->type == CT_OPTION_LIST) free(*(void **)((char *)args + o->offset));
    free(operands.v);
    free(args);
    return status;
}

static ct_status dispatch(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) return ct_say(CT_BAD_SPEC, "a command is missing; 'ctorch help' lists what there is");
    if (!strcmp(name, "--version")) {
        printf("ctorch %s\n", ct_version());
        return CT_OK;
    }
    bool is_help = !strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h");
    if (is_help && argc < 3) return help();
    const ct_command *c = find(is_help ? argv[2] : name);
    if (!c) return unknown(is_help ? argv[2] : name);
    if (!is_help) return run_command(c, argc - 2, argv + 2);
    ct_help_command(c);
    return CT_OK;
}

int main(int argc, char **argv) {
    fill_standard_streams();
    ct_flush_denormals();
    ct_status status = dispatch(argc, argv);
    errno = 0;
    if (fflush(stdout) || ferror(stdout)) {
        if (!status) status = CT_FAIL;
        ct_say(status, "standard output: cannot be written: %s", strerror(errno ? errno : EIO));
    }
    if (status == CT_STOPPED) { /* as the caller would see it without a handler */
        signal(ct_stop_signal, SIG_DFL);
        raise(ct_stop_signal);
    }
    return status <= CT_DIVERGED ? (int)status : 1;
}
