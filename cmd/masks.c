/* Masks that a model gives, as PNG files in a folder. */
#include "cmd/cmd.h"
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct ct_masks {
    const ct_model *model;
    const char *dir;
    int64_t size[2];
    unsigned char *room; /* masks of a batch */
    void *written;       /* names so far, as a tree */
};

ct_status ct_masks_open(const ct_model *m, const char *dir, size_t batch, ct_masks **out) {
    ct_masks *k = ct_cmd_alloc(1, sizeof *k);
    *out = k;
    *k = (ct_masks){.model = m, .dir = dir};
    ct_model_mask(m, k->size);
    k->room = ct_cmd_alloc(batch, (size_t)(k->size[0] * k->size[1]));
    if (mkdir(dir, 0777) && errno != EEXIST) return ct_say(CT_FAIL, "%s: cannot be made: %s", dir, strerror(errno));
    return CT_OK;
}

unsigned char *ct_masks_room(ct_masks *k) { return k->room; }

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

/* That a mask would neither replace another one nor the image itself. */
static ct_status check_name(const ct_masks *k, const char *image, const char *mask) {
    struct stat a, b;
    if (tfind(mask, &k->written, by_text))
        return ct_say(CT_FAIL, "%s: another image of that name has its mask in %s already", image, mask);
    if (!stat(image, &a) && !stat(mask, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return ct_say(CT_FAIL, "%s: its mask would replace it; -o wants another folder", image);
    return CT_OK;
}

/* What share of the mask each class has. */
static void print_json(const ct_masks *k, const char *image, const char *path, const unsigned char *mask) {
    int64_t count[256] = {0}, n = k->size[0] * k->size[1];
    ct_json j = {0};
    for (int64_t i = 0; i < n; i++) count[mask[i]]++;
    ct_json_open(&j, NULL, '{');
    ct_json_text(&j, "file", image);
    ct_json_text(&j, "mask", path);
    ct_json_open(&j, "classes", '[');
    for (int c = 0; c < ct_model_classes(k->model); c++) {
        ct_json_open(&j, NULL, '{');
        ct_json_text(&j, "class", ct_model_class(k->model, c));
        ct_json_number(&j, "share", (double)count[c] / (double)n);
        ct_json_close(&j, '}');
    }
    ct_json_close(&j, ']');
    ct_json_close(&j, '}');
}

ct_status ct_masks_write(ct_masks *k, size_t i, const char *image, bool json) {
    const unsigned char *mask = k->room + i * (size_t)(k->size[0] * k->size[1]);
    const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image, *dot = strrchr(name, '.');
    char *path = ct_cmd_format("%s/%.*s.png", k->dir, (int)(dot ? dot - name : (long)strlen(name)), name);
    int64_t hwc[3];
    ct_status status = check_name(k, image, path);
    if (!status) {
        ct_scope *scope = ct_scope_open();
        status = ct_image_size(image, hwc);
        if (!status) status = ct_mask_write(path, ct_from(CT_U8, CT_DIMS(k->size[0], k->size[1]), mask), hwc);
        ct_status closed = ct_scope_close(scope);
        status = ct_say_error(status ? status : closed);
    }
    if (!status && !tsearch(path, &k->written, by_text)) status = ct_say(CT_NO_MEMORY, "out of memory");
    if (status) {
        free(path);
        return status;
    }
    if (json) print_json(k, image, path, mask);
    if (!json) ct_say_text(stdout, image, -1), putchar('\t'), ct_say_text(stdout, path, -1), putchar('\n');
    return CT_OK;
}

void ct_masks_close(ct_masks *k) {
    if (!k) return;
    tdestroy(k->written, free);
    free(k->room), free(k);
}
