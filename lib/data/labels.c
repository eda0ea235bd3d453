#include "data/csv.h"
#include "data/folder.h"
#include <string.h>
#include <strings.h>

bool ct_is_png_name(const char *name) {
    size_t n = strlen(name);
    const char *slash = strrchr(name, '/');
    return n > 4 && !strcasecmp(name + n - 4, ".png") && (slash ? slash[1] : name[0]) != '.';
}

ct_status ct_labels_read(const char *path, ct_label_fn row, void *ctx, char **text) {
    ct_csv c;
    bool more = true;
    ct_status s = ct_csv_open(path, &c);
    for (bool first = true; !s && !(s = ct_csv_next(&c, &more)) && more; first = false) {
        const ct_csv_field *f = c.field;
        if (c.n != 2 || !*f[0].text || !*f[1].text)
            s = ct_csv_wrong(&c, f, "`file,label` was expected, and neither of them empty");
        else if (ct_is_png_name(f->text))
            s = row(ctx, (int)f->line, f[0].text, f[1].text);
        else if (!first)
            s = ct_csv_wrong(&c, f, "the first field must be the name of a .png file");
    }
    *text = c.text, c.text = NULL;
    ct_csv_close(&c);
    return s;
}
