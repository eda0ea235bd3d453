/* The result of an evaluation: text to read, or one JSON object. */
#include "cmd/cmd.h"
#include <inttypes.h>
#include <math.h>

#define NAME_WIDEST 24
#define MATRIX_WIDEST 40 /* classes; what is larger nobody reads */
#define MISTAKES 10
#define SCREEN 80 /* columns */

static void print_classes(const ct_eval_report *r, int name) {
    printf("\n%-*s  precision   recall       f1  support\n", name, "class");
    for (int i = 0; i < r->classes; i++) {
        const ct_class_report *c = &r->of[i];
        int w = ct_text_width(c->name);
        ct_say_text(stdout, c->name, name);
        printf("%*s  %8.2f%%  %6.2f%%  %6.2f%%  %7" PRId64 "\n", w < name ? name - w : 0, "", 100 * c->precision,
               100 * c->recall, 100 * c->f1, c->support);
    }
}

static int64_t count_at(const ct_eval_report *r, int label, int prediction) {
    return r->confusion[(int64_t)label * r->classes + prediction];
}

static void print_matrix(const ct_eval_report *r, int name) {
    int64_t most = 0;
    for (int64_t i = 0; i < (int64_t)r->classes * r->classes; i++)
        most = r->confusion[i] > most ? r->confusion[i] : most;
    int column = snprintf(NULL, 0, "%" PRId64, most);
    column = column < 4 ? 4 : column;
    if (column < name && name + (name + 1) * r->classes <= SCREEN) column = name; /* whole names where they fit */
    printf("\nconfusion: a row the class, a column what the model says\n%*s", name, "");
    for (int i = 0; i < r->classes; i++) {
        int w = ct_text_width(r->of[i].name);
        printf(" %*s", w < column ? column - w : 0, "");
        ct_say_text(stdout, r->of[i].name, column);
    }
    putchar('\n');
    for (int i = 0; i < r->classes; i++) {
        int w = ct_text_width(r->of[i].name);
        ct_say_text(stdout, r->of[i].name, name);
        printf("%*s", w < name ? name - w : 0, "");
        for (int k = 0; k < r->classes; k++)
            if (count_at(r, i, k))
                printf(" %*" PRId64, column, count_at(r, i, k));
            else
                printf(" %*s", column, ".");
        putchar('\n');
    }
}

/* The most frequent mistakes, one after the other: the largest count below the last one, in order of place. */
static void print_mistakes(const ct_eval_report *r) {
    int64_t last = INT64_MAX, at = -1, n = (int64_t)r->classes * r->classes;
    puts("\nmost frequent mistakes: class, what the model says, how often");
    for (int shown = 0; shown < MISTAKES; shown++) {
        int64_t best = -1;
        for (int64_t i = 0; i < n; i++) {
            int64_t c = r->confusion[i];
            bool is_left = i / r->classes != i % r->classes && c && (c < last || (c == last && i > at));
            if (is_left && (best < 0 || c > r->confusion[best])) best = i;
        }
        if (best < 0) return;
        last = r->confusion[best], at = best;
        ct_say_text(stdout, r->of[best / r->classes].name, -1);
        fputs("  ", stdout);
        ct_say_text(stdout, r->of[best % r->classes].name, -1);
        printf("  %" PRId64 "\n", last);
    }
}

/* What values miss by: of all, and of each column where there are several. */
static void print_values(const ct_eval_report *r) {
    int name = (int)sizeof "column" - 1;
    printf("MAE       %.6g\nRMSE      %.6g\nR2        %.4f\n", r->mae, r->rmse, r->r2);
    if (r->n_values == 1) return;
    for (int i = 0; i < r->n_values; i++) {
        int w = ct_text_width(r->value_of[i].name);
        name = w > name ? w : name;
    }
    printf("\n%-*s           MAE          RMSE        R2\n", name, "column");
    for (int i = 0; i < r->n_values; i++) {
        const ct_value_report *v = &r->value_of[i];
        printf("%-*s  %12.6g  %12.6g  %8.4f\n", name, v->name, v->mae, v->rmse, v->r2);
    }
}

void ct_report_print(const ct_eval_report *r) {
    int name = (int)sizeof "class" - 1;
    for (int i = 0; i < r->classes; i++) {
        int w = ct_text_width(r->of[i].name);
        name = w > name ? w : name;
    }
    name = name < NAME_WIDEST ? name : NAME_WIDEST;
    ct_say_text(stdout, r->dataset, -1);
    printf(", %s split: %" PRId64 " samples in %.2f s\n", r->split, r->n, r->seconds);
    printf("loss      %.4f\n", r->loss);
    for (int i = 0; r->n_losses > 1 && i < r->n_losses; i++)
        printf("  %-*s %.4f\n", name, r->loss_of[i].name, r->loss_of[i].value);
    if (!isnan(r->perplexity)) printf("perplexity %.4f\n", r->perplexity);
    if (r->n_values) print_values(r);
    if (r->unit)
        printf("accuracy  %.2f%%  (95%% interval %.2f%% to %.2f%%)", 100 * r->accuracy, 100 * r->low, 100 * r->high);
    if (r->unit && r->counted != r->n) printf(" of %" PRId64 " %s", r->counted, r->unit);
    if (r->unit) putchar('\n');
    if (!isnan(r->top5)) printf("top-5     %.2f%%\n", 100 * r->top5);
    if (!r->classes) return;
    print_classes(r, name);
    if (r->classes <= MATRIX_WIDEST)
        print_matrix(r, name);
    else
        print_mistakes(r);
}

static void class_json(ct_json *j, const ct_class_report *c) {
    ct_json_open(j, NULL, '{');
    ct_json_text(j, "name", c->name);
    ct_json_int(j, "support", c->support);
    ct_json_number(j, "precision", c->precision);
    ct_json_number(j, "recall", c->recall);
    ct_json_number(j, "f1", c->f1);
    ct_json_close(j, '}');
}

static void values_json(ct_json *j, const ct_eval_report *r) {
    ct_json_number(j, "mae", r->mae);
    ct_json_number(j, "rmse", r->rmse);
    ct_json_number(j, "r2", r->r2);
    ct_json_open(j, "columns", '[');
    for (int i = 0; i < r->n_values; i++) {
        const ct_value_report *v = &r->value_of[i];
        ct_json_open(j, NULL, '{');
        ct_json_text(j, "name", v->name);
        ct_json_number(j, "mae", v->mae);
        ct_json_number(j, "rmse", v->rmse);
        ct_json_number(j, "r2", v->r2);
        ct_json_close(j, '}');
    }
    ct_json_close(j, ']');
}

void ct_report_json(const ct_eval_report *r) {
    ct_json j = {0};
    ct_json_open(&j, NULL, '{');
    ct_json_number(&j, "loss", r->loss);
    if (r->n_losses > 1) {
        ct_json_open(&j, "losses", '{');
        for (int i = 0; i < r->n_losses; i++) ct_json_number(&j, r->loss_of[i].name, r->loss_of[i].value);
        ct_json_close(&j, '}');
    }
    if (!isnan(r->perplexity)) ct_json_number(&j, "perplexity", r->perplexity);
    if (r->n_values) values_json(&j, r);
    ct_json_number(&j, "accuracy", r->accuracy);
    ct_json_number(&j, "accuracy_low", r->low);
    ct_json_number(&j, "accuracy_high", r->high);
    ct_json_int(&j, "n", r->n);
    if (r->unit && r->counted != r->n) ct_json_int(&j, r->unit, r->counted);
    ct_json_text(&j, "split", r->split);
    ct_json_text(&j, "dataset", r->dataset);
    if (!isnan(r->top5)) ct_json_number(&j, "top5", r->top5);
    ct_json_open(&j, "classes", '[');
    for (int i = 0; i < r->classes; i++) class_json(&j, &r->of[i]);
    ct_json_close(&j, ']');
    ct_json_open(&j, "confusion", '[');
    for (int i = 0; i < r->classes; i++) {
        ct_json_open(&j, NULL, '[');
        for (int k = 0; k < r->classes; k++) ct_json_int(&j, NULL, count_at(r, i, k));
        ct_json_close(&j, ']');
    }
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
}
