/* The command: a subcommand is a const row that ends its own file; its options' rows make parser, help and man page. */
#ifndef CT_CMD_H
#define CT_CMD_H
#include "ctorch.h"
#include "ctorch_run.h"
#include <stdio.h>

typedef enum ct_option_type {
    CT_OPTION_FLAG,   /* bool */
    CT_OPTION_TEXT,   /* const char * */
    CT_OPTION_INT,    /* int64_t within min..max */
    CT_OPTION_NUMBER, /* ct_number within min..max */
    CT_OPTION_TIME,   /* double: seconds, above 0, given as 90s, 15m, 2h, 1d or 1h30m */
    CT_OPTION_LIST    /* const char **: every value given, NULL-terminated; NULL when there is none */
} ct_option_type;

typedef struct ct_number {
    double value;
    bool given;
} ct_number;

typedef struct ct_option {
    const char *name;
    char letter;     /* or 0 */
    const char *arg; /* what help calls its value; NULL for a flag */
    ct_option_type type;
    size_t offset; /* of the field in the command's struct */
    const char *help;
    int64_t min, max;
} ct_option; /* a table ends with a row whose name is NULL */

typedef struct ct_operands {
    char **v;
    int n;
} ct_operands;

typedef struct ct_command {
    const char *name, *help, *operands; /* operands: as the synopsis shows them */
    int min, max;                       /* how many; max -1: any number */
    const ct_option *options;
    size_t args_size; /* of the struct that options fill, which starts zeroed */
    ct_status (*run)(const void *args, ct_operands operands);
} ct_command;

/* ---- options.c ---- */
typedef enum ct_ask { CT_ASK_RUN, CT_ASK_HELP, CT_ASK_MAN } ct_ask;
/* Fills *args and gathers the operands; CT_BAD_SPEC after saying what does not fit. */
ct_status ct_options_parse(const ct_command *c, int argc, char **argv, void *args, ct_operands *out, ct_ask *ask);

/* The option of what reads a spec: -Werror. */
#define CT_WARN_OPTION(args) \
    { "warn", 'W', "error", CT_OPTION_TEXT, offsetof(args, warn), "-Werror makes warnings errors", 0, 0 }

/* ---- help.c ---- */
extern const ct_option ct_option_help; /* what every command has */
void ct_help_command(const ct_command *c);
/* The options as a list in mdoc, for the man page. */
void ct_help_man(const ct_command *c);

/* ---- say.c: what a user reads on stderr ---- */
/* "ctorch: MESSAGE"; returns `status`, so that `return ct_say(...)` is one line. */
ct_status ct_say(ct_status status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The library's message about `status`, if that is an error. */
ct_status ct_say_error(ct_status status);
/* A spec's diagnostics, which it frees, or else the library's message. */
ct_status ct_say_spec(ct_status status, char *messages);
/* With -Werror (`warn` is "error") a spec that was warned of is refused. */
ct_status ct_say_warnings(const ct_spec *spec, const char *warn);
/* Text of unknown origin with what a terminal must not see replaced, cut to `width` characters (-1: all). */
void ct_say_text(FILE *out, const char *s, int width);
int ct_text_width(const char *s);
/* Bytes of the character at s; 0 where it is no UTF-8 or may not be shown; bytes of the first n characters. */
int ct_text_char(const char *s);
int ct_text_bytes(const char *s, int n);
/* The nearest name in rows of `stride` bytes that start with one, or NULL when none is near. */
const char *ct_say_nearest(const char *word, const void *rows, size_t n, size_t stride);

/* ---- memory.c: out of memory ends the command ---- */
void *ct_cmd_alloc(size_t count, size_t size);
char *ct_cmd_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
typedef struct ct_list {
    char **v; /* NULL-terminated, each its own */
    size_t n, cap;
} ct_list;
void ct_list_add(ct_list *l, const char *s);
void ct_list_free(ct_list *l);

/* ---- line.c: the progress line, on a terminal only ---- */
/* Whether to draw one now: at most ten a second. */
bool ct_line_due(void);
void ct_line_show(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void ct_line_clear(void);
int ct_terminal_width(int fd);  /* 0: not a terminal */
bool ct_terminal_draws(int fd); /* whether it is one that shows more than ASCII */

/* ---- output.c ---- */
typedef struct ct_output {
    const char *path;
    char *final, *partial; /* where path leads, and final.tmp; NULL: it is written where it is, a device or a pipe */
    FILE *f;
} ct_output;
/* path NULL: standard output. What is wrong is said. */
ct_status ct_output_open(const char *path, ct_output *out);
/* Moves the file, but for a device or a pipe, into place when all went well (`status` is CT_OK), else removes it. */
ct_status ct_output_close(ct_output *out, ct_status status);
/* Whether a file can be opened there, before the work whose result it is for; leaves nothing. */
ct_status ct_output_try(const char *path);

/* ---- json.c: one object or list a line ---- */
typedef struct ct_json {
    bool comma;
    int depth;
    FILE *out; /* NULL: standard output */
} ct_json;     /* starts zeroed; key NULL: an element of a list, or the whole */
void ct_json_open(ct_json *j, const char *key, char bracket);
void ct_json_close(ct_json *j, char bracket);
void ct_json_text(ct_json *j, const char *key, const char *value);            /* NULL: null */
void ct_json_bytes(ct_json *j, const char *key, const char *value, size_t n); /* a 0 stands after them */
void ct_json_number(ct_json *j, const char *key, double value);               /* not finite: null */
void ct_json_int(ct_json *j, const char *key, int64_t value);
void ct_json_bool(ct_json *j, const char *key, bool value);

/* ---- paths.c ---- */
/* Where datasets lie: CTORCH_DATA's directories, then data and the system's. */
const char *const *ct_data_dirs(void);
/* Where fetch puts them: the first of CTORCH_DATA, else data. */
const char *ct_fetch_dir(void);

/* ---- machine.c: options of all that computes ---- */
typedef struct ct_machine {
    int64_t threads;
    const char *isa, *passes;
} ct_machine;
/* All of them, and those but --threads. */
#define CT_MACHINE_OPTIONS(args)                   \
    {"threads",                                    \
     0,                                            \
     "N",                                          \
     CT_OPTION_INT,                                \
     offsetof(args, machine.threads),              \
     "use N threads, not as many as there may be", \
     1,                                            \
     CT_MOST_THREADS},                             \
        CT_KERNEL_OPTIONS(args)
#define CT_KERNEL_OPTIONS(args)                                              \
    {"isa",                                                                  \
     0,                                                                      \
     "NAME",                                                                 \
     CT_OPTION_TEXT,                                                         \
     offsetof(args, machine.isa),                                            \
     "kernels for v2, v3 or v4 of x86-64, or the plain ref, not the best",   \
     0,                                                                      \
     0},                                                                     \
    {                                                                        \
        "passes", 0, "LIST", CT_OPTION_TEXT, offsetof(args, machine.passes), \
            "switch passes over the plan off: -fuse,-join, or -all", 0, 0    \
    }
ct_status ct_machine_use(const ct_machine *m);

/* ---- smoke.c: train --dry-run, --overfit N ---- */
/* Tries the spec and prints what came of it; steps 0: a dry run. */
ct_status ct_smoke(ct_spec *spec, int64_t steps, const ct_train_options *o, bool json, bool quiet);

/* ---- images.c ---- */
/* Adds FILE, or all .png files below DIR, in order. */
ct_status ct_images_list(const char *path, ct_list *out);

/* ---- masks.c ---- */
typedef struct ct_masks ct_masks;
/* For a model that gives masks, of images in batches of up to `batch`; makes the folder. m must outlive it. */
ct_status ct_masks_open(const ct_model *m, const char *dir, size_t batch, ct_masks **out);
unsigned char *ct_masks_room(ct_masks *k); /* where a batch's masks go, one after another */
/* Writes mask i of the room, of the image at `image` and of its size, and prints where. */
ct_status ct_masks_write(ct_masks *k, size_t i, const char *image, bool json);
void ct_masks_close(ct_masks *k);

/* ---- report.c, predictions.c, draw.c: what eval shows ---- */
void ct_report_print(const ct_eval_report *r);
void ct_report_json(const ct_eval_report *r);
typedef struct ct_predictions ct_predictions;
ct_status ct_predictions_open(const char *path, const ct_model *m, ct_predictions **out);
void ct_predictions_add(ct_predictions *p, int64_t i, const char *file, int label, int prediction,
                        const float *probability);
/* Moves the file, but for a device or a pipe, into place when all went well (`status` is CT_OK), else removes it. */
ct_status ct_predictions_close(ct_predictions *p, ct_status status);
/* Draws `n` samples, spread over the classes, of the `total` that `options` choose. */
ct_status ct_draw_samples(ct_model *m, const ct_eval_options *options, int64_t total, int64_t n);

/* One field of a CSV's line, quoted as RFC 4180 says. */
void ct_csv_field(FILE *out, const char *text);

/* ---- main.c ---- */
const ct_command *ct_command_at(int i); /* NULL past the last */
extern volatile int ct_stop_signal;     /* the signal that asked a run to stop, or 0 */
#endif
