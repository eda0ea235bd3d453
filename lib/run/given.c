#include "run/given.h"
#include <string.h>
#include <sys/stat.h>

static bool is_model(const char *path) {
    struct stat st;
    size_t n = strlen(path);
    static const char end[] = ".safetensors";
    return (!stat(path, &st) && S_ISDIR(st.st_mode)) || (n >= sizeof end && !strcmp(path + n - sizeof end + 1, end));
}

ct_status ct_given_open(const char *path, const char *const *set, ct_given *out, char **messages) {
    *out = (ct_given){0};
    if (!is_model(path)) return ct_spec_load(path, set, &out->spec, messages);
    if (set) return ct_fail(CT_BAD_SPEC, "%s: a model has its own spec, of which no key is set", path);
    CT_TRY(ct_model_open(path, &out->model));
    out->spec = out->model->spec;
    return CT_OK;
}

void ct_given_free(ct_given *g) {
    if (g->model)
        ct_model_close(g->model);
    else
        ct_spec_free(g->spec);
    *g = (ct_given){0};
}
