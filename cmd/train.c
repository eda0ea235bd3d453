/* ctorch train: a spec, or a run to go on with, becomes a trained model. */
#include "cmd/cmd.h"
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct args {
    const char *output, **set, *warn;
    bool resume, force, eager, reproducible, dry_run, json, quiet;
    int64_t overfit;
    double max_time;
    ct_machine machine;
} args;

#define AT(field) offsetof(args, field)
static const ct_option options[] = {
    {"output", 'o', "DIR", CT_OPTION_TEXT, AT(output), "the run directory, else the spec's name without its extension",
     0, 0},
    {"set", 0, "KEY=VALUE", CT_OPTION_LIST, AT(set), "set a key of the spec, as train.epochs=10; may be given again", 0,
     0},
    {"resume", 0, NULL, CT_OPTION_FLAG, AT(resume), "go on from the last checkpoint", 0, 0},
    {"force", 0, NULL, CT_OPTION_FLAG, AT(force), "replace the run that is there", 0, 0},
    {"eager", 0, NULL, CT_OPTION_FLAG, AT(eager), "call each operation as it comes, rather than replay a plan", 0, 0},
    {"reproducible", 0, NULL, CT_OPTION_FLAG, AT(reproducible),
     "use no kernels whose bits are not those of other machines", 0, 0},
    {"max-time", 0, "TIME", CT_OPTION_TIME, AT(max_time), "the run and its schedule end then: 90s, 15m, 2h, 1h30m", 0,
     0},
    {"dry-run", 0, NULL, CT_OPTION_FLAG, AT(dry_run), "one step and one batch of evaluation, of which nothing is left",
     0, 0},
    {"overfit", 0, "N", CT_OPTION_INT, AT(overfit), "learn the samples of N steps by heart, of which nothing is left",
     1, 1000000},
    CT_WARN_OPTION(args),
    CT_MACHINE_OPTIONS(args),
    {"json", 0, NULL, CT_OPTION_FLAG, AT(json), "print the result as JSON", 0, 0},
    {"quiet", 'q', NULL, CT_OPTION_FLAG, AT(quiet), "no progress, no summary", 0, 0},
    {0}};

/* ---- while it runs ---- */

static void stop(int signal) { ct_stop_signal = signal; }

/* The first signal asks, the second one kills. One that was ignored stays so (nohup). */
static void catch_signals(void) {
    static const int signals[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        struct sigaction a = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND | SA_RESTART}, old;
        if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN) sigaction(signals[i], &a, NULL);
    }
}

static const char *percent(double v, char text[32]) {
    snprintf(text, 32, "%.2f%%", 100 * v);
    return text;
}

static void time_text(double seconds, char text[32]) {
    int64_t s = seconds < 1e9 ? (int64_t)(seconds + 0.5) : 0, h = s / 3600;
    if (h)
        snprintf(text, 32, "%" PRId64 ":%02d:%02d", h, (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(text, 32, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

static void rate_text(double v, char text[32]) {
    static const char *const unit[] = {"", "k", "M"};
    int i = 0;
    for (; v >= 1000 && i < 2; i++) v /= 1000;
    snprintf(text, 32, "%.*f%s/s", i ? 1 : 0, v, unit[i]);
}

static void show_progress(void *ctx, const ct_progress *p) {
    (void)ctx;
    char accuracy[48] = "", number[32], rate[32], left[32];
    if (!ct_line_due()) return;
    if (!isnan(p->accuracy)) snprintf(accuracy, sizeof accuracy, "  acc %s", percent(p->accuracy, number));
    rate_text(p->samples_per_s, rate);
    time_text(p->seconds_left, left);
    if (!strcmp(p->phase, "train"))
        ct_line_show("epoch %" PRId64 "/%" PRId64 "  step %" PRId64 "/%" PRId64 "  loss %.4f%s  %s  %s left", p->epoch,
                     p->epochs, p->step, p->steps, p->loss, accuracy, rate, left);
    else
        ct_line_show("epoch %" PRId64 "/%" PRId64 "  %s", p->epoch, p->epochs, p->phase);
}

static void show_epoch(void *ctx, const ct_epoch_report *e) {
    (void)ctx;
    char number[32], seen[48] = "", loss[64] = "", accuracy[48] = "";
    if (!isnan(e->accuracy)) snprintf(seen, sizeof seen, "  acc %s", percent(e->accuracy, number));
    if (!isnan(e->val_loss)) snprintf(loss, sizeof loss, "  validation loss %.4f", e->val_loss);
    if (!isnan(e->val_accuracy)) snprintf(accuracy, sizeof accuracy, "  acc %s", percent(e->val_accuracy, number));
    ct_line_clear();
    fprintf(stderr, "epoch %" PRId64 "/%" PRId64 "  loss %.4f%s%s%s  %.1f s%s\n", e->epoch, e->epochs, e->loss, seen,
            loss, accuracy, e->seconds, e->best && !isnan(e->val_loss) ? "  best so far" : "");
}

static void show_note(void *ctx, const char *line) {
    (void)ctx;
    ct_say(CT_OK, "%s", line);
}

/* ---- before and after ---- */

static bool is_dir(const char *path) {
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* "specs/mnist-mlp.yaml" -> "mnist-mlp" */
static char *stem_of(const char *path) {
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *dot = strrchr(name, '.');
    return ct_cmd_format("%.*s", (int)(dot && dot > name ? (size_t)(dot - name) : strlen(name)), name);
}

/* Whether the spec is only tried. */
static bool is_smoke(const args *a) { return a->dry_run || a->overfit; }

static ct_status check_options(const args *a) {
    if (a->resume && a->force) return ct_say(CT_BAD_SPEC, "train: --resume or --force, not both");
    if (a->dry_run && a->overfit) return ct_say(CT_BAD_SPEC, "train: --dry-run or --overfit, not both");
    if (is_smoke(a) && (a->resume || a->max_time > 0))
        return ct_say(CT_BAD_SPEC, "train --%s: tries a spec, and knows no --%s", a->dry_run ? "dry-run" : "overfit",
                      a->resume ? "resume" : "max-time");
    if (a->eager && a->machine.passes) return ct_say(CT_BAD_SPEC, "train --eager: has no plan, and so no --passes");
    return CT_OK;
}

/* SPEC, or with --resume the run itself: as the operand, or by -o alone. */
static ct_status load(const args *a, const char *operand, char **dir, ct_spec **spec) {
    char *messages = NULL;
    bool own = a->resume && (!operand || is_dir(operand));
    if (!operand && !(a->resume && a->output)) return ct_say(CT_BAD_SPEC, "train wants SPEC, or --resume DIR");
    if (own && a->set) return ct_say(CT_BAD_SPEC, "train --set: a run goes on with its own spec");
    if (own && operand && a->output)
        return ct_say(CT_BAD_SPEC, "train: '%s' and '%s' are two runs", operand, a->output);
    if (!own && is_dir(operand))
        return ct_say(CT_BAD_SPEC, "%s: is a directory; --resume goes on with the run in it", operand);
    if (!own && !a->output && !is_smoke(a) && !strcmp(operand, "-"))
        return ct_say(CT_BAD_SPEC, "train: a spec from standard input wants -o DIR");
    if (own && operand)
        *dir = ct_cmd_format("%s", operand);
    else
        *dir = a->output ? ct_cmd_format("%s", a->output) : stem_of(operand);
    ct_status status = own ? ct_train_resume_spec(*dir, spec, &messages)
                           : ct_spec_load(operand, (const char *const *)a->set, spec, &messages);
    ct_say_spec(status, messages);
    return status ? status : ct_say_warnings(*spec, a->warn);
}

static void print_summary(const char *dir, const ct_train_report *r) {
    char number[32], best[48];
    bool at_end = r->best_step * r->epochs == r->best_epoch * r->steps; /* of an epoch: all have as many steps */
    snprintf(best, sizeof best, "%s %" PRId64, at_end ? "epoch" : "step", at_end ? r->best_epoch : r->best_step);
    printf("%" PRId64 " epoch%s, %" PRId64 " steps in %.1f s%s; loss %.4f", r->epochs, r->epochs == 1 ? "" : "s",
           r->steps, r->seconds,
           r->stopped_early ? ", stopped early"
           : r->out_of_time ? ", at the end of its time"
                            : "",
           r->loss);
    if (!isnan(r->val_accuracy))
        printf("; validation accuracy %s (best, %s)", percent(r->val_accuracy, number), best);
    else if (!isnan(r->val_loss))
        printf("; validation loss %.4f (best, %s)", r->val_loss, best);
    fputs("\nmodel: ", stdout);
    ct_say_text(stdout, dir, -1);
    printf("/best.safetensors\nsha256: %s\n", r->sha256);
}

static void print_json(const char *dir, const ct_train_report *r) {
    char *model = ct_cmd_format("%s/best.safetensors", dir);
    ct_json j = {0};
    ct_json_open(&j, NULL, '{');
    ct_json_int(&j, "epochs", r->epochs);
    ct_json_int(&j, "steps", r->steps);
    ct_json_int(&j, "parameters", r->parameters);
    ct_json_number(&j, "seconds", r->seconds);
    ct_json_number(&j, "first_step_seconds", r->first_step_s);
    ct_json_number(&j, "loss", r->loss);
    ct_json_number(&j, "validation_loss", r->val_loss);
    ct_json_number(&j, "validation_accuracy", r->val_accuracy);
    ct_json_int(&j, "best_epoch", r->best_epoch);
    ct_json_bool(&j, "stopped_early", r->stopped_early);
    ct_json_bool(&j, "out_of_time", r->out_of_time);
    ct_json_text(&j, "dir", dir);
    ct_json_text(&j, "model", model);
    ct_json_text(&j, "sha256", r->sha256);
    ct_json_close(&j, '}');
    free(model);
}

static ct_status train(const args *a, const char *dir, ct_spec *spec) {
    bool show = !a->quiet && isatty(STDERR_FILENO);
    ct_train_options o = {.dir = dir,
                          .resume = a->resume,
                          .force = a->force,
                          .eager = a->eager,
                          .max_seconds = a->max_time,
                          .data_dirs = ct_data_dirs(),
                          .stop = &ct_stop_signal};
    if (show) o.progress = show_progress, o.epoch = show_epoch;
    if (!a->quiet) o.note = show_note;
    ct_train_report report;
    char *messages;
    catch_signals();
    if (is_smoke(a)) return ct_smoke(spec, a->overfit, &o, a->json, a->quiet);
    ct_status status = ct_train(spec, &o, &report, &messages);
    ct_say_spec(status, messages);
    if (!status && a->json)
        print_json(dir, &report);
    else if (!status && !a->quiet)
        print_summary(dir, &report);
    return status;
}

static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    char *dir = NULL;
    ct_spec *spec = NULL;
    ct_status status = ct_machine_use(&a->machine);
    if (a->reproducible) ct_backend_portable();
    if (!status && a->reproducible && !ct_backend_reproducible(true))
        status = ct_say(CT_FAIL, "train --reproducible: the kernels '%s' have bits of their own; wanted: v3 or better",
                        ct_backend_name());
    if (!status) status = check_options(a);
    if (!status) status = load(a, operands.v[0], &dir, &spec);
    if (!status) status = train(a, dir, spec);
    ct_spec_free(spec);
    free(dir);
    return status;
}

const ct_command ct_command_train = {
    "train", "Trains the model of a spec, or goes on with a run", "SPEC|DIR", 0, 1, options, sizeof(args), run};
