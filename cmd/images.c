/* The PNG files that an operand names. */
#include "cmd/cmd.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define DEEPEST 64

static bool is_png(const char *name) {
    size_t n = strlen(name);
    return n > 4 && !strcasecmp(name + n - 4, ".png");
}

static int is_shown(const struct dirent *e) { return *e->d_name != '.'; }
static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static ct_status add_folder(const char *dir, int depth, ct_list *out);

/* Links to files are followed; links to folders are not, so that every file comes once. */
static ct_status add_entry(const char *path, const char *name, int depth, ct_list *out) {
    struct stat st;
    if (lstat(path, &st)) return ct_say(CT_FAIL, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode)) return add_folder(path, depth + 1, out);
    if (is_png(name) && !stat(path, &st) && S_ISREG(st.st_mode)) ct_list_add(out, path);
    return CT_OK;
}

static ct_status add_folder(const char *dir, int depth, ct_list *out) {
    struct dirent **entry;
    if (depth > DEEPEST) return ct_say(CT_FAIL, "%s: is more than %d folders deep", dir, DEEPEST);
    int n = scandir(dir, &entry, is_shown, by_bytes);
    if (n < 0) return ct_say(CT_FAIL, "%s: cannot be read: %s", dir, strerror(errno));
    ct_status status = CT_OK;
    const char *slash = dir[strlen(dir) - 1] == '/' ? "" : "/";
    for (int i = 0; i < n; i++) {
        char *path = ct_cmd_format("%s%s%s", dir, slash, entry[i]->d_name);
        if (!status) status = add_entry(path, entry[i]->d_name, depth, out);
        free(path);
        free(entry[i]);
    }
    free(entry);
    return status;
}

ct_status ct_images_list(const char *path, ct_list *out) {
    struct stat st;
    size_t before = out->n;
    if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
        ct_list_add(out, path); /* what is wrong with it, reading will say */
        return CT_OK;
    }
    ct_status status = add_folder(path, 0, out);
    if (!status && out->n == before) return ct_say(CT_BAD_DATA, "%s: holds no .png file", path);
    return status;
}
