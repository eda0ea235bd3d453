/* Where datasets lie. */
#include "cmd/cmd.h"
#include <stdlib.h>
#include <string.h>

static ct_list named(void) {
    ct_list dirs = {0};
    const char *s = getenv("CTORCH_DATA");
    for (; s && *s; s += *s == ':') {
        size_t n = strcspn(s, ":");
        char *dir = ct_cmd_format("%.*s", (int)n, s);
        if (n) ct_list_add(&dirs, dir);
        free(dir);
        s += n;
    }
    return dirs;
}

const char *const *ct_data_dirs(void) {
    static ct_list dirs;
    if (dirs.n) return (const char *const *)dirs.v;
    dirs = named();
    ct_list_add(&dirs, "data");
    ct_list_add(&dirs, "/usr/share/datasets"); /* Debian's packages */
    return (const char *const *)dirs.v;
}

const char *ct_fetch_dir(void) { return ct_data_dirs()[0]; }
