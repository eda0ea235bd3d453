#include "file/png.h"
#include "base/alloc.h"
#include "file/file.h"
#include "file/resize.h"
#include <png.h>
#include <string.h>

#define CHUNK_MAX (8 << 20) /* bytes of one chunk that is no image data */

/* A file being decoded. All that changes between a setjmp and a longjmp is in here, not in local variables. */
typedef struct image {
    const char *path;
    ct_bytes bytes;
    size_t at;
    ct_status status; /* why libpng gave up */
    png_structp png;
    png_infop info;
    int64_t h, w;
    int channels; /* decoded: grey, grey and alpha, RGB, RGBA are 1 to 4 */
    bool colour;
    bool is_mask; /* its pixels are numbers, whatever colours a palette gives them */
    unsigned char *pixels;
    png_bytep *row;
} image;

static PNG_NORETURN void on_error(png_structp png, png_const_charp message) {
    image *m = png_get_error_ptr(png);
    if (!m->status) m->status = ct_fail(CT_BAD_DATA, "%s: damaged PNG: %s", m->path, message);
    png_longjmp(png, 1);
}

/* With benign errors made errors, what is left to warn of is of no matter to the pixels. */
static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
    image *m = png_get_mem_ptr(png);
    void *p = ct_alloc(1, size);
    if (!p) m->status = CT_NO_MEMORY;
    return p;
}

static void on_free(png_structp png, png_voidp p) {
    (void)png;
    ct_free(p);
}

static void on_read(png_structp png, png_bytep out, size_t n) {
    image *m = png_get_io_ptr(png);
    if (n > m->bytes.len - m->at) png_error(png, "the file is truncated");
    memcpy(out, m->bytes.data + m->at, n);
    m->at += n;
}

/* Only the chunks that decide pixels are read: no colour profile or text can make an image unreadable, or slow. */
static void set_limits(png_structp png) {
    png_set_user_limits(png, CT_PNG_SIDE, CT_PNG_SIDE);
    png_set_chunk_cache_max(png, 128);
    png_set_chunk_malloc_max(png, CHUNK_MAX);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_benign_errors(png, 0);
}

static ct_status read_header(image *m) {
    if (setjmp(png_jmpbuf(m->png))) return m->status;
    set_limits(m->png);
    png_set_read_fn(m->png, m, on_read);
    png_read_info(m->png, m->info);
    m->h = png_get_image_height(m->png, m->info), m->w = png_get_image_width(m->png, m->info);
    m->colour = png_get_color_type(m->png, m->info) & PNG_COLOR_MASK_COLOR;
    if (m->h * m->w > CT_PNG_PIXELS)
        return ct_fail(CT_BAD_DATA, "%s: has %lld x %lld pixels, more than 2^26", m->path, (long long)m->h,
                       (long long)m->w);
    int type = png_get_color_type(m->png, m->info), depth = png_get_bit_depth(m->png, m->info);
    if (m->is_mask && ((type != PNG_COLOR_TYPE_GRAY && type != PNG_COLOR_TYPE_PALETTE) || depth > 8))
        return ct_fail(CT_BAD_DATA,
                       "%s: is no mask: one is grey or has a palette, and at most 8 bits a pixel, its class", m->path);
    return CT_OK;
}

static ct_status read_pixels(image *m) {
    if (setjmp(png_jmpbuf(m->png))) return m->status;
    if (m->is_mask)
        png_set_packing(m->png);
    else
        png_set_expand(m->png), png_set_scale_16(m->png);
    png_set_interlace_handling(m->png);
    png_read_update_info(m->png, m->info);
    m->channels = png_get_channels(m->png, m->info);
    size_t bytes = png_get_rowbytes(m->png, m->info);
    if (bytes != (size_t)m->w * (size_t)m->channels) png_error(m->png, "rows are of another length than expected");
    m->pixels = ct_alloc((size_t)m->h, bytes), m->row = ct_alloc((size_t)m->h, sizeof *m->row);
    if (!m->pixels || !m->row) return CT_NO_MEMORY;
    for (int64_t y = 0; y < m->h; y++) m->row[y] = m->pixels + (size_t)y * bytes;
    png_read_image(m->png, m->row);
    png_read_end(m->png, NULL);
    return CT_OK;
}

static ct_status open_image(image *m, const char *path) {
    *m = (image){.path = path, .is_mask = m->is_mask};
    CT_TRY(ct_file_map(path, &m->bytes));
    if (m->bytes.len < 8 || png_sig_cmp(m->bytes.data, 0, 8))
        return ct_fail(CT_BAD_DATA, "%s: is not a PNG file", path);
    m->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, m, on_error, on_warning, m, on_malloc, on_free);
    if (m->png) m->info = png_create_info_struct(m->png);
    if (!m->info) return m->status ? m->status : ct_fail(CT_FAIL, "%s: libpng cannot be used", path);
    return read_header(m);
}

static void close_image(image *m) {
    if (m->png) png_destroy_read_struct(&m->png, &m->info, NULL);
    ct_bytes_free(&m->bytes);
    ct_free(m->pixels);
    ct_free(m->row);
}

static unsigned over_white(unsigned v, unsigned alpha) { return (v * alpha + 255 * (255 - alpha) + 127) / 255; }

/* ITU-R 601-2 luma, rounded as Pillow's convert("L") does. */
static unsigned luma(const unsigned v[3]) { return (v[0] * 19595 + v[1] * 38470 + v[2] * 7471 + 0x8000) >> 16; }

static void to_planes(const image *m, int64_t c, unsigned char *out) {
    const unsigned char *p = m->pixels;
    int64_t n = m->h * m->w;
    bool alpha = m->channels % 2 == 0;
    for (int64_t i = 0; i < n; i++, p += m->channels) {
        unsigned v[3];
        for (int k = 0; k < 3; k++) v[k] = over_white(p[m->colour ? k : 0], alpha ? p[m->channels - 1] : 255);
        if (c == 1)
            out[i] = (unsigned char)(m->colour ? luma(v) : v[0]);
        else
            for (int k = 0; k < 3; k++) out[k * n + i] = (unsigned char)v[k];
    }
}

static ct_status deliver(const image *m, int64_t c, int64_t h, int64_t w, unsigned char *out) {
    if (h == m->h && w == m->w) {
        to_planes(m, c, out);
        return CT_OK;
    }
    unsigned char *whole = ct_alloc((size_t)(m->h * m->w), (size_t)c);
    if (!whole) return CT_NO_MEMORY;
    to_planes(m, c, whole);
    ct_status status = ct_resize_u8(whole, c, m->h, m->w, out, h, w);
    ct_free(whole);
    return status;
}

ct_status ct_image_size(const char *path, int64_t hwc[3]) {
    image m = {0};
    ct_status status = open_image(&m, path);
    if (!status) hwc[0] = m.h, hwc[1] = m.w, hwc[2] = m.colour ? 3 : 1;
    close_image(&m);
    return status;
}

ct_status ct_png_decode(const char *path, int64_t c, int64_t h, int64_t w, unsigned char *out) {
    image m = {0};
    ct_status status = open_image(&m, path);
    if (!status) status = read_pixels(&m);
    if (!status) status = deliver(&m, c, h, w, out);
    close_image(&m);
    return status;
}

ct_status ct_png_mask(const char *path, int64_t h, int64_t w, int64_t own[2], unsigned char *out) {
    image m = {.is_mask = true};
    ct_status status = open_image(&m, path);
    if (!status) status = read_pixels(&m);
    if (!status) {
        own[0] = m.h, own[1] = m.w;
        ct_resize_nearest(m.pixels, m.h, m.w, out, h, w);
    }
    close_image(&m);
    return status;
}

static ct_status check_args(const char *path, ct_image_args args) {
    for (int i = 0; i < 2; i++)
        if (args.size[i] < 0 || args.size[i] > CT_PNG_SIDE)
            return ct_fail(CT_FAIL, "%s: cannot be resized to %lld, sizes are 1 to %d (0: as in the file)", path,
                           (long long)args.size[i], CT_PNG_SIDE);
    if (args.channels != 0 && args.channels != 1 && args.channels != 3)
        return ct_fail(CT_FAIL, "%s: channels is %lld, 1 or 3 was expected (0: as in the file)", path,
                       (long long)args.channels);
    return CT_OK;
}

ct_tensor *ct_image_read(const char *path, ct_image_args args) {
    image m = {0};
    ct_tensor *t = NULL;
    ct_status status = check_args(path, args);
    if (!status) status = open_image(&m, path);
    if (!status) status = read_pixels(&m);
    if (!status) {
        int64_t h = args.size[0] ? args.size[0] : m.h, w = args.size[1] ? args.size[1] : m.w;
        int64_t c = args.channels ? args.channels : m.colour ? 3 : 1;
        t = ct_empty(CT_U8, CT_DIMS(c, h, w));
        if (!ct_why(t)) status = deliver(&m, c, h, w, ct_data(t));
    }
    close_image(&m);
    return status ? ct_tensor_failed(status) : t;
}
