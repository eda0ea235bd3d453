/* ctorch fetch: brings datasets; the only command that opens a socket. */
#include "cmd/cmd.h"
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

typedef struct args {
    bool list, verify, quiet;
    const char *dir, *mirror;
    int64_t retries, timeout;
} args;

#define AT(field) offsetof(args, field)
static const ct_option options[] = {
    {"list", 0, NULL, CT_OPTION_FLAG, AT(list), "list the datasets that can be fetched by name", 0, 0},
    {"verify", 0, NULL, CT_OPTION_FLAG, AT(verify), "check the files that are there, fetch nothing", 0, 0},
    {"dir", 0, "DIR", CT_OPTION_TEXT, AT(dir), "put files in DIR/NAME/, rather than where CTORCH_DATA says", 0, 0},
    {"mirror", 0, "URL", CT_OPTION_TEXT, AT(mirror), "fetch from this folder alone, https:// or file:///", 0, 0},
    {"retries", 0, "N", CT_OPTION_INT, AT(retries), "try each mirror N times more after a failure, not 3", 1, 1000},
    {"timeout", 0, "SECONDS", CT_OPTION_INT, AT(timeout), "give a mirror up after so long without a byte, not 30", 1,
     86400},
    {"quiet", 'q', NULL, CT_OPTION_FLAG, AT(quiet), "say nothing but what goes wrong", 0, 0},
    {0}};

static void list(void) {
    ct_dataset_info d;
    for (int i = 0; ct_dataset_list(i, &d); i++) {
        char classes[32] = "text";
        if (d.classes) snprintf(classes, sizeof classes, "%d classes", d.classes);
        printf("%-15s  %11s  %6.1f MB  %s\n", d.name, classes, (double)d.bytes / 1e6, d.title);
        printf("%-15s  %s%s\n", "", d.license, d.embedded ? "; ctorch carries it" : "");
    }
}

static void show_progress(void *ctx, const char *file, int64_t done, int64_t total) {
    static const char full[] = "####################";
    (void)ctx;
    if (!ct_line_due()) return;
    double mb = (double)done / 1e6;
    if (total <= 0 || done > total) {
        ct_line_show("%s  %.1f MB", file, mb);
        return;
    }
    int width = (int)sizeof full - 1, n = (int)((double)done / (double)total * width);
    ct_line_show("%s  [%-*.*s] %3d%%  %.1f of %.1f MB", file, width, n, full,
                 (int)(100.0 * (double)done / (double)total), mb, (double)total / 1e6);
}

static void show_note(void *ctx, const char *line) {
    (void)ctx;
    ct_say(CT_OK, "%s", line);
}

static void show_result(void *ctx, const char *line) {
    (void)ctx;
    ct_say_text(stdout, line, -1);
    putchar('\n');
}

static bool is_embedded(const char *name) {
    ct_dataset_info d;
    for (int i = 0; ct_dataset_list(i, &d); i++)
        if (!strcmp(d.name, name)) return d.embedded;
    return false;
}

static ct_status fetch(const args *a, const char *name) {
    ct_fetch_options o = {.dir = a->dir ? a->dir : ct_fetch_dir(),
                          .mirror = a->mirror,
                          .retries = (int)a->retries,
                          .timeout_s = (int)a->timeout};
    if (is_embedded(name) && !a->mirror) {
        if (!a->quiet) printf("%s: ctorch carries it; there is nothing to fetch\n", name);
        return CT_OK;
    }
    if (!a->quiet) o.note = a->verify ? show_result : show_note;
    if (!a->quiet && isatty(STDERR_FILENO)) o.progress = show_progress;
    ct_status status = a->verify ? ct_dataset_verify(name, &o) : ct_dataset_fetch(name, &o);
    ct_line_clear();
    return ct_say_error(status);
}

static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    if (a->list && (a->verify || operands.n)) return ct_say(CT_BAD_SPEC, "fetch --list: stands alone");
    if (!a->list && !operands.n) return ct_say(CT_BAD_SPEC, "fetch wants NAME...; 'ctorch fetch --list' has them");
    if (a->list) list();
    for (int i = 0; i < operands.n; i++) {
        ct_status status = fetch(a, operands.v[i]);
        if (status) return status;
    }
    return CT_OK;
}

const ct_command ct_command_fetch = {
    "fetch", "Brings datasets and verifies them", "NAME...", 0, -1, options, sizeof(args), run};
