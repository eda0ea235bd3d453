/* Every key of the schema is read by it: a value of a wrong form is refused, at its place, by its name. */
#include "check.h"
#include "ctorch_run.h"
#include "run/spec.h"
#include <stdio.h>
#include <string.h>

static const char spec[] =
    "data: {dataset: random, shape: [4], classes: 2, augment: [{}]}\nblocks: {NAME: {layers: [relu]}}\n"
    "model: [{}]\nloss: {}\noptimizer: {}\nschedule: {}\n";

static int keys, refused;

/* "model.N.linear.bias" as it is set: model.0.linear.bias; and a kind for keys that stand beside one. */
static void set_path(const char *path, char *out, size_t size, const char **beside) {
    static const char *const kind[][2] = {
        {"model.N.", "model.0.relu="}, {"optimizer.", "optimizer.sgd="}, {"schedule.", "schedule.exponential=0.9"}};
    snprintf(out, size, "%s", path);
    char *n = strstr(out, ".N.");
    if (n) n[1] = '0';
    *beside = NULL;
    for (int i = 0; i < CT_COUNT(kind); i++) {
        size_t len = strlen(kind[i][0]);
        if (!strncmp(path, kind[i][0], len) && !strchr(path + len, '.')) *beside = kind[i][1];
    }
}

/* Whether the value is refused by a message at its place that names the key. */
static bool is_refused(const ct_schema_key *key, const char *value) {
    char path[256], set[512], *messages;
    const char *beside, *name = strrchr(key->path, '.');
    set_path(key->path, path, sizeof path, &beside);
    if (!strcmp(key->type, "settings")) beside = NULL;
    snprintf(set, sizeof set, "%s=%s", path, value);
    ct_spec *s = NULL;
    ct_status status = ct_spec_parse("s", spec, strlen(spec), (const char *[]){set, beside, NULL}, &s, &messages);
    bool ok = false;
    name = !strcmp(key->type, "list of layers") ? key->type : name ? name + 1 : key->path;
    for (char *line = status == CT_BAD_SPEC ? messages : NULL; line && !ok; line = strchr(line + 1, '\n')) {
        char *at = strstr(line, "--set:1:"), *end = at ? strchr(at, '\n') : NULL;
        if (!end) break;
        *end = 0;
        ok = strstr(at, name) != NULL;
        *end = '\n';
        line = end - 1;
    }
    if (!status) ct_spec_free(s);
    ct_text_free(messages);
    return ok;
}

static void refuse_key(void *ctx, const ct_schema_key *key) {
    (void)ctx;
    keys++;
    bool ok = is_refused(key, "[[[]]]") || is_refused(key, "{zz: [[]]}");
    refused += ok;
    if (!ok) printf("%s (%s): no wrong value is refused by name\n", key->path, key->type);
    CHECK(ok);
}

static void test_every_key(void) {
    ct_schema_each(refuse_key, NULL);
    CHECK(keys > 500 && refused == keys);
}

int main(void) {
    RUN(test_every_key);
    return check_done("schema");
}
