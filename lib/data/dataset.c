#include "data/dataset.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "data/source.h"
#include <string.h>

#define FIELD(name) offsetof(ct_data_args, name)

static const ct_key normalize_keys[] = {
    {"mean", CT_KEY_FLOATS, 0, .count = 3, .min = -1e6, .max = 1e6, .help = "of each channel, with pixels in 0..1"},
    {"std", CT_KEY_FLOATS, 3 * sizeof(double), .count = 3, .def = 1, .min = 1e-6, .max = 1e6,
     .help = "of each channel"},
    {0}};

const ct_key ct_data_keys[] = {
    {"dataset", CT_KEY_STRING, FIELD(dataset),
     .help = "a dataset's name (`ctorch fetch --list`), its manifest's path, random, or text"},
    {"dir", CT_KEY_PATH, FIELD(dir), .help = "where the dataset's files are, instead of CTORCH_DATA"},
    {"images", CT_KEY_PATH, FIELD(images), .help = "a folder of PNG files, instead of a dataset"},
    {"masks", CT_KEY_PATH, FIELD(masks),
     .help = "a folder with a PNG of the same name for each image below images: a pixel's value is its class"},
    {"tensors", CT_KEY_PATH, FIELD(tensors),
     .help = "a safetensors file of fields (input, target, others; test.input...), instead of a dataset"},
    {"csv", CT_KEY_PATH, FIELD(csv), .help = "a table whose first line names its columns, instead of a dataset"},
    {"columns", CT_KEY_NODE, .choices = "names",
     .help = "of a table: those that are a sample's input; else all but the target"},
    {"categories", CT_KEY_NODE, .choices = "names",
     .help = "of a table: columns of numbers that are names, or classes"},
    {"file", CT_KEY_PATH, FIELD(file), .help = "dataset text: the text; or where a dataset's only file is"},
    {"tokenizer", CT_KEY_ENUM, FIELD(tokenizer), .choices = "char|byte",
     .help = "of a text: its characters, which are UTF-8, or its bytes"},
    {"block_size", CT_KEY_INT, FIELD(block_size), .def = 64, .min = 1, .max = 1 << 20,
     .help = "of a text: tokens that the model sees at once"},
    {"size", CT_KEY_INTS, FIELD(size), .count = 2, .max = 8192, .help = "height and width; 0: as the first image"},
    {"channels", CT_KEY_INT, FIELD(channels), .max = 3, .help = "1 or 3; 0: 3 if the first image has colour"},
    {"shape", CT_KEY_DIMS, FIELD(shape), .min = 1, .max = 1 << 24,
     .help = "dataset random: of a sample, such as [3, 32, 32]"},
    {"classes", CT_KEY_INT, FIELD(classes), .max = 100000,
     .help = "dataset random, tensors and masks: how many; 0: values, or what the targets say"},
    {"vocab", CT_KEY_INT, FIELD(vocab), .max = 100000,
     .help = "dataset random: samples are that many tokens, and without classes each one's target is the next"},
    {"target", CT_KEY_NODE, .choices = "shape_or_column",
     .help = "of a table: the column to be told from the others; dataset random: the shape of a sample's target"},
    {"inputs", CT_KEY_NODE, .choices = "shapes",
     .help = "dataset random: further fields by name, such as {a: [3, 8, 8], b: [10]}"},
    {"samples", CT_KEY_INT, FIELD(samples), .def = 512, .min = 1, .max = 1 << 24,
     .help = "dataset random: of each part"},
    {"labels", CT_KEY_ENUM, FIELD(labels), .choices = "fine|coarse",
     .help = "which classes, where the dataset has coarse ones too"},
    {"only", CT_KEY_NODE, .choices = "names",
     .help = "names of the classes whose samples are used, in the order of their numbers; the others are left out"},
    {"normalize", CT_KEY_MAP, FIELD(normalize), .sub = normalize_keys, .help = "(pixel - mean) / std"},
    {"sampler", CT_KEY_ENUM, FIELD(sampler), .choices = "shuffle|balanced",
     .help = "each training sample once an epoch, or each class as often as any other, with replacement"},
    {"augment", CT_KEY_NODE, .choices = "transforms", .help = "random changes to training images, in this order"},
    {"validation", CT_KEY_FLOAT, FIELD(validation), .max = 0.9, .choices = "test",
     .help = "fraction of the training part, by class or of a text the end, that is not trained on; or the test part"},
    {"test", CT_KEY_FLOAT, FIELD(test), .def = 0.1, .max = 0.9,
     .help = "fraction of images, by class, held out where there is no test/ folder; of a table's rows; of a text, its "
             "end"},
    {"on_bad", CT_KEY_ENUM, FIELD(on_bad), .choices = "error|skip",
     .help = "what to do about a damaged image, or a row of a table that lacks a value"},
    {0}};

const ct_data_source ct_data_sources[] = {{"dataset", "dataset", FIELD(dataset)},
                                          {"images", "folder of images", FIELD(images)},
                                          {"tensors", "file of tensors", FIELD(tensors)},
                                          {"csv", "table", FIELD(csv)},
                                          {0}};

const ct_data_source *ct_data_source_of(const ct_data_args *args) {
    const ct_data_source *s = ct_data_sources;
    while (s->key && !ct_data_path(args, s)) s++;
    return s->key ? s : ct_data_sources;
}

ct_status ct_source_check(const ct_tensor *t) { return ct_why(t) ? ct_fail(t->status, "%s", ct_why(t)) : CT_OK; }

ct_status ct_dataset_files(ct_dataset *d, size_t n) {
    d->file_name = ct_alloc(n, sizeof *d->file_name);
    d->file_hash = ct_alloc(n, sizeof *d->file_hash);
    if (!d->file_name || !d->file_hash) return CT_NO_MEMORY;
    d->files = (int)n;
    return CT_OK;
}

ct_status ct_source_file(ct_dataset *d, const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    CT_TRY(ct_dataset_files(d, 1));
    if (!(d->name = ct_strdup(name)) || !(d->file_name[0] = ct_strdup(name))) return CT_NO_MEMORY;
    return ct_file_sha256(path, d->file_hash[0]);
}

/* SHA-256 over a line "HASH NAME" a file. */
static ct_status fingerprint(ct_dataset *d) {
    ct_sha256 *h = ct_sha256_new();
    if (!h) return CT_NO_MEMORY;
    for (int i = 0; i < d->files; i++) {
        ct_sha256_add(h, d->file_hash[i], strlen(d->file_hash[i]));
        ct_sha256_add(h, " ", 1);
        ct_sha256_add(h, d->file_name[i], strlen(d->file_name[i]));
        ct_sha256_add(h, "\n", 1);
    }
    return ct_sha256_hex(h, d->fingerprint);
}

static int64_t label_at(const ct_tensor *y, int64_t i) {
    return ct_dtype_of(y) == CT_U8 ? ((const uint8_t *)ct_data(y))[i] : ((const int64_t *)ct_data(y))[i];
}

static ct_status check_labels(const ct_dataset *d, const ct_tensor *y, const char *which) {
    if (ct_ndim(y) != 1 || ct_dtype_of(y) == CT_F32) return CT_OK;
    for (int64_t i = 0; i < ct_numel(y); i++) {
        int64_t label = label_at(y, i);
        if (label < 0 || label >= d->classes)
            return ct_fail(CT_BAD_DATA, "%s: %s sample %lld has label %lld; there are %d classes", d->name, which,
                           (long long)i, (long long)label, d->classes);
    }
    return CT_OK;
}

/* That a part fits together, and its labels the classes. */
static ct_status check_part(const ct_dataset *d, const ct_rows *part, const char *which) {
    int64_t n = ct_size(part->x, 0);
    if (ct_ndim(part->x) < 2)
        return ct_fail(CT_BAD_DATA, "%s: the %s samples have %d dimensions, at least 2 were expected", d->name, which,
                       ct_ndim(part->x));
    if (part->y && ct_size(part->y, 0) != n)
        return ct_fail(CT_BAD_DATA, "%s: %lld %s samples have %lld labels", d->name, (long long)n, which,
                       (long long)ct_size(part->y, 0));
    for (int i = 0; i < d->n_more; i++)
        if (ct_size(part->more[i], 0) != n)
            return ct_fail(CT_BAD_DATA, "%s: %lld %s samples have %lld rows of %s", d->name, (long long)n, which,
                           (long long)ct_size(part->more[i], 0), d->more_name[i]);
    return part->y ? check_labels(d, part->y, which) : CT_OK;
}

static bool same_rows(const ct_tensor *a, const ct_tensor *b) {
    bool same = !a == !b && (!a || ct_ndim(a) == ct_ndim(b));
    for (int i = 1; same && a && i < ct_ndim(a); i++) same = ct_size(a, i) == ct_size(b, i);
    return same;
}

static ct_status check(const ct_dataset *d) {
    CT_TRY(check_part(d, &d->train, "training"));
    if (!d->test.x) return CT_OK;
    CT_TRY(check_part(d, &d->test, "test"));
    for (int i = 0; i < d->n_more + 2; i++)
        if (!same_rows(ct_split_field(&d->train, i), ct_split_field(&d->test, i)))
            return ct_fail(CT_BAD_DATA, "%s: training and test samples differ in shape", d->name);
    return CT_OK;
}

static ct_status load(const ct_data_args *args, uint64_t seed, const char *const *data_dirs, ct_dataset *d) {
    int said = 0;
    for (const ct_data_source *s = ct_data_sources; s->key; s++) said += ct_data_path(args, s) != NULL;
    if (said > 1) return ct_fail(CT_BAD_SPEC, "data: dataset, images, tensors and csv are sources; one was expected");
    if (args->channels == 2) return ct_fail(CT_BAD_SPEC, "data: `channels` is 2; 0, 1 or 3 was expected");
    bool random = args->dataset && !strcmp(args->dataset, "random");
    bool text = args->dataset && !strcmp(args->dataset, "text");
    CT_TRY(args->images    ? ct_source_images(args, seed, d)
           : args->tensors ? ct_source_tensors(args, d)
           : args->csv     ? ct_source_csv(args, seed, d)
           : random        ? ct_source_random(args, seed, d)
           : text          ? ct_source_text_file(args, d)
                           : ct_source_manifest(args, data_dirs, d));
    CT_TRY(check(d));
    if (args->only) CT_TRY(ct_dataset_only(d, args->only, args->n_only));
    return fingerprint(d);
}

ct_status ct_dataset_load(const ct_data_args *args, uint64_t seed, const char *const *data_dirs, ct_dataset **out) {
    *out = NULL;
    ct_dataset *d = ct_alloc(1, sizeof *d);
    if (!d) return CT_NO_MEMORY;
    ct_scope *scope = ct_scope_open(); /* of what is not kept */
    ct_status s = load(args, seed, data_dirs, d), t = ct_scope_close(scope);
    if (!s) s = t;
    if (s)
        ct_dataset_free(d);
    else
        *out = d;
    return s;
}

static void free_strings(char **list, int64_t n) {
    for (int64_t i = 0; list && i < n; i++) ct_free(list[i]);
    ct_free(list);
}

static void free_split(ct_rows *p) {
    for (char **f = p->file; f && *f; f++) ct_free(*f); /* a NULL is after the last */
    ct_free(p->file);
    if (p->x) ct_drop(p->x);
    if (p->y) ct_drop(p->y);
    for (int i = 0; i < CT_MAX_MORE; i++) ct_drop(p->more[i]);
}

void ct_dataset_free(ct_dataset *d) {
    if (!d) return;
    free_split(&d->train);
    free_split(&d->test);
    free_strings(d->class_name, d->classes);
    ct_tokenizer_free(&d->tokenizer);
    ct_table_free(&d->table);
    for (int i = 0; i < d->n_more; i++) ct_free(d->more_name[i]);
    free_strings(d->file_name, d->files);
    free_strings(d->skipped_file, d->skipped);
    ct_free(d->file_hash);
    ct_free(d->name);
    ct_free(d);
}
