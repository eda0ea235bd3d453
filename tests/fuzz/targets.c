/* The kinds of files that come from outside. */
#include "base/alloc.h"
#include "data/dataset.h"
#include "data/manifest.h"
#include "file/file.h"
#include "file/safetensors.h"
#include "file/png.h"
#include "fuzz.h"
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static char root[4096];

static const char *in_root(const char *name) {
    static char path[2][8192];
    static int i;
    snprintf(path[i ^= 1], sizeof path[0], "%s/%s", root, name);
    return path[i];
}

/* ---- reading ---- */

static ct_status said(ct_status status, ct_buf *content) {
    if (status) ct_buf_puts(content, ct_error());
    return status;
}

static ct_status add_tensor(ct_tensor *t, ct_buf *content) {
    if (ct_why(t)) {
        ct_buf_puts(content, ct_why(t));
        return ct_scope_close(ct_scope_open()) ? CT_FAIL : CT_BAD_DATA;
    }
    ct_buf_printf(content, "%s", ct_dtype_name(ct_dtype_of(t)));
    for (int i = 0; i < ct_ndim(t); i++) ct_buf_printf(content, " %lld", (long long)ct_size(t, i));
    if (ct_data(t)) ct_buf_add(content, ct_data(t), (size_t)ct_numel(t) * ct_dtype_bytes(ct_dtype_of(t)));
    return CT_OK;
}

/* A tensor's status is its scope's. */
static ct_status read_tensor(ct_tensor *(*get)(const char *), const char *path, ct_buf *content) {
    ct_scope *scope = ct_scope_open();
    add_tensor(get(path), content);
    return ct_scope_close(scope);
}

static ct_status read_idx(const char *path, ct_buf *content) { return read_tensor(ct_idx_read, path, content); }

static ct_tensor *get_image(const char *path) { return ct_image_read(path, (ct_image_args){.size = {6, 9}}); }
static ct_status read_png(const char *path, ct_buf *content) { return read_tensor(get_image, path, content); }

static ct_status read_dataset(const char *path, ct_buf *content) {
    (void)path; /* one of the files in there */
    ct_dataset *d;
    ct_data_args args = {.dataset = "digits", .dir = in_root("digits")};
    CT_TRY(said(ct_dataset_load(&args, 0, NULL, &d), content));
    add_tensor(d->train.x, content), add_tensor(d->train.y, content);
    ct_dataset_free(d);
    return CT_OK;
}

static ct_status read_table(const char *path, ct_buf *content) {
    ct_dataset *d;
    ct_data_args args = {.csv = path, .target_column = "y"};
    CT_TRY(said(ct_dataset_load(&args, 0, NULL, &d), content));
    add_tensor(d->train.x, content), add_tensor(d->train.y, content);
    ct_dataset_free(d);
    return CT_OK;
}

static ct_status read_mask(const char *path, ct_buf *content) {
    int64_t own[2];
    unsigned char mask[6 * 9];
    CT_TRY(said(ct_png_mask(path, 6, 9, own, mask), content));
    ct_buf_add(content, mask, sizeof mask);
    return CT_OK;
}

static ct_status read_manifest(const char *path, ct_buf *content) {
    ct_manifest *m;
    CT_TRY(said(ct_manifest_load(path, &m), content));
    ct_manifest_free(m);
    return CT_OK;
}

/* What a model says of a fixed image is what its weights are. */
static ct_status read_model(const char *path, ct_buf *content) {
    ct_model *m;
    int64_t size[2], channels;
    CT_TRY(said(ct_model_open(path, &m), content));
    int n = ct_model_classes(m);
    for (int i = 0; i < n; i++) ct_buf_printf(content, "%s\n", ct_model_class(m, i));
    float *p = ct_alloc((size_t)n, sizeof *p);
    ct_scope *scope = ct_scope_open();
    ct_status status = CT_OK;
    if (p && ct_model_image(m, size, &channels) && size[0] * size[1] * channels < 1 << 20) {
        status = ct_model_predict(m, ct_full(CT_U8, CT_DIMS(1, channels, size[0], size[1]), 9), p);
        ct_buf_add(content, p, (size_t)n * sizeof *p);
    }
    ct_status closed = ct_scope_close(scope);
    ct_model_close(m);
    ct_free(p);
    return status ? status : closed;
}

static ct_status read_safetensors(const char *path, ct_buf *content) {
    ct_safetensors *s;
    CT_TRY(said(ct_safetensors_open(path, &s), content));
    ct_status status = said(ct_safetensors_verify(s), content);
    ct_scope *scope = ct_scope_open();
    for (int i = 0; !status && i < ct_safetensors_count(s); i++)
        status = add_tensor(ct_safetensors_get(s, ct_safetensors_name(s, i)), content);
    ct_safetensors_close(s);
    ct_status closed = ct_scope_close(scope);
    return closed ? closed : status;
}

static ct_status add_message(ct_status status, char *messages, ct_buf *content) {
    ct_buf_puts(content, messages && status ? strtok(messages, "\n") : status ? ct_error() : "");
    ct_text_free(messages);
    return status;
}

static ct_status read_spec(const char *path, ct_buf *content) {
    ct_spec *spec;
    char *messages;
    ct_check_report report;
    ct_status status = ct_spec_load(path, NULL, &spec, &messages);
    CT_TRY(add_message(status, messages, content));
    status = ct_spec_check(spec, &report, &messages);
    if (!status) ct_check_report_free(&report);
    add_message(status, messages, content);
    ct_spec_free(spec);
    return status;
}

/* Goes on with a run, one that is finished. */
static ct_status resume(const char *path, ct_buf *content) {
    (void)path;
    ct_spec *spec;
    ct_train_report report;
    CT_TRY(said(ct_spec_load(in_root("spec.yaml"), NULL, &spec, NULL), content));
    ct_status status = ct_train(spec, &(ct_train_options){.dir = in_root("run"), .resume = true}, &report, NULL);
    ct_spec_free(spec);
    CT_TRY(said(status, content));
    ct_buf_printf(content, "%lld %lld %a %a", (long long)report.epochs, (long long)report.steps, report.loss,
                  report.val_accuracy);
    return CT_OK;
}

/* ---- making ---- */

static const char spec_text[] = "# a small one\n"
                                "data: {dataset: digits, validation: 0.1, normalize: {mean: 0.3, std: 0.4}}\n"
                                "model:\n"
                                "  - conv2d: {out_channels: 2, kernel_size: 3, stride: [2, 2]}\n"
                                "  - relu\n"
                                "  - flatten\n"
                                "  - linear: 10\n"
                                "loss: cross_entropy\n"
                                "optimizer: {adam: {lr: 1e-3, betas: [0.9, 0.99]}}\n"
                                "train: {epochs: 1, batch_size: 100}\n"
                                "seed: 3\n";

static ct_status make_run(void) {
    ct_spec *spec;
    ct_train_report report;
    CT_TRY(ct_file_write(in_root("spec.yaml"), spec_text, strlen(spec_text)));
    CT_TRY(ct_spec_load(in_root("spec.yaml"), NULL, &spec, NULL));
    ct_status status = ct_train(spec, &(ct_train_options){.dir = in_root("run")}, &report, NULL);
    ct_spec_free(spec);
    return status;
}

static ct_status make_idx(void) {
    unsigned char file[16 + 4 * 3 * 5] = {0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 5}, zipped[256];
    for (size_t i = 16; i < sizeof file; i++) file[i] = (unsigned char)(i * 37);
    CT_TRY(ct_file_write(in_root("t.idx"), file, sizeof file));
    z_stream z = {.next_in = file, .avail_in = sizeof file, .next_out = zipped, .avail_out = sizeof zipped};
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY)) return ct_fail(CT_FAIL, "no zlib");
    int end = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return end == Z_STREAM_END ? ct_file_write(in_root("t.idx.gz"), zipped, z.total_out) : ct_fail(CT_FAIL, "no gzip");
}

static ct_status make_png(const char *name, unsigned format) {
    uint16_t pixels[5 * 7 * 4], map[4 * 4];
    unsigned char *at = (unsigned char *)pixels;
    for (size_t i = 0; i < sizeof pixels; i++)
        at[i] = (unsigned char)(format & PNG_FORMAT_FLAG_COLORMAP ? i % 4 : i * 29);
    memcpy(map, pixels, sizeof map);
    png_image image = {.version = PNG_IMAGE_VERSION, .width = 7, .height = 5, .format = format, .colormap_entries = 4};
    if (png_image_write_to_file(&image, in_root(name), 0, pixels, 0, map)) return CT_OK;
    return ct_fail(CT_FAIL, "%s: %s", name, image.message);
}

static ct_status make_table(void) {
    static const char text[] = "a,\"b \"\"c\"\"\",y\r\n1,red,yes\r\n-2.5e1,\"gr\nun\",no\r\n\n3,red,no\r\n";
    return ct_file_write(in_root("t.csv"), text, sizeof text - 1);
}

static ct_status copy_digits(void) {
    static const char *const names[] = {"digits/train-images-idx3-ubyte", "digits/train-labels-idx1-ubyte",
                                        "digits/t10k-images-idx3-ubyte", "digits/t10k-labels-idx1-ubyte",
                                        "digits.yaml"};
    mkdir(in_root("digits"), 0777);
    for (int i = 0; i < CT_COUNT(names); i++) {
        size_t n;
        const void *bytes = ct_embedded(names[i], &n);
        CT_TRY(bytes ? ct_file_write(in_root(names[i]), bytes, n) : ct_fail(CT_FAIL, "%s: not embedded", names[i]));
    }
    return CT_OK;
}

ct_status fuzz_prepare(const char *dir) {
    snprintf(root, sizeof root, "%s", dir);
    CT_TRY(make_run());
    CT_TRY(make_idx());
    CT_TRY(copy_digits());
    CT_TRY(make_table());
    CT_TRY(make_png("grey.png", PNG_FORMAT_GRAY));
    CT_TRY(make_png("rgba.png", PNG_FORMAT_RGBA));
    CT_TRY(make_png("palette.png", PNG_FORMAT_RGBA_COLORMAP));
    return make_png("deep.png", PNG_FORMAT_LINEAR_RGB_ALPHA);
}

#define DATA (1u << CT_BAD_DATA)
#define SPEC (1u << CT_BAD_SPEC)
const fuzz_target fuzz_targets[] = {
    {"IDX", "t.idx", read_idx, false, DATA, NULL},
    {"IDX, gzip", "t.idx.gz", read_idx, true, DATA, NULL},
    {"dataset", "digits/train-images-idx3-ubyte", read_dataset, true, DATA, NULL},
    {"manifest", "digits.yaml", read_manifest, false, DATA | SPEC, NULL},
    {"table", "t.csv", read_table, false, DATA, NULL},
    {"mask", "palette.png", read_mask, true, DATA, NULL},
    {"mask, with right sums", "palette.png", read_mask, false, DATA, fuzz_seal_png},
    {"PNG, grey", "grey.png", read_png, true, DATA, NULL},
    {"PNG, RGBA", "rgba.png", read_png, true, DATA, NULL},
    {"PNG, palette", "palette.png", read_png, true, DATA, NULL},
    {"PNG, 16 bits", "deep.png", read_png, true, DATA, NULL},
    {"PNG, palette, with right sums", "palette.png", read_png, false, DATA, fuzz_seal_png},
    {"PNG, 16 bits, with right sums", "deep.png", read_png, false, DATA, fuzz_seal_png},
    {"model", "run/best.safetensors", read_model, true, DATA, NULL},
    {"model, with right sums", "run/last.safetensors", read_model, false, DATA, fuzz_seal_safetensors},
    {"tensors, with right sums", "run/last.safetensors", read_safetensors, false, DATA, fuzz_seal_safetensors},
    {"state", "run/state.safetensors", resume, true, DATA, NULL},
    {"spec", "spec.yaml", read_spec, false, SPEC, NULL},
};
const int fuzz_n_targets = CT_COUNT(fuzz_targets);
