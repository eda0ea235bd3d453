/* Images and masks as PNG files. */
#include "base/alloc.h"
#include "file/file.h"
#include "file/png.h"
#include "file/resize.h"
#include <png.h>
#include <string.h>

static void interleave(const ct_tensor *t, unsigned char *out) {
    const unsigned char *p = ct_data(t);
    for (int64_t y = 0; y < ct_size(t, 1); y++)
        for (int64_t x = 0; x < ct_size(t, 2); x++)
            for (int64_t c = 0; c < ct_size(t, 0); c++)
                *out++ = p[c * ct_stride(t, 0) + y * ct_stride(t, 1) + x * ct_stride(t, 2)];
}

/* colours: of a palette, where the pixels are numbers in it. */
static ct_status write_image(const char *path, png_image *to, const unsigned char *pixels, const void *colours) {
    size_t size = PNG_IMAGE_PNG_SIZE_MAX(*to);
    void *file = ct_alloc(size, 1);
    if (!file) return CT_NO_MEMORY;
    ct_status status = png_image_write_to_memory(to, file, &size, 0, pixels, 0, colours)
                           ? ct_file_write(path, file, size)
                           : ct_fail(CT_FAIL, "%s: cannot be written: %s", path, to->message);
    ct_free(file);
    return status;
}

/* A PNG of that size and format; CT_FAIL where it is too large, or has no pixel. */
static ct_status begin(const char *path, int64_t h, int64_t w, unsigned format, png_image *to) {
    if (h < 1 || w < 1 || h > CT_PNG_SIDE || w > CT_PNG_SIDE || h * w > CT_PNG_PIXELS)
        return ct_fail(CT_FAIL, "%s: %lld x %lld is no size for a PNG here", path, (long long)h, (long long)w);
    *to =
        (png_image){.version = PNG_IMAGE_VERSION, .width = (png_uint_32)w, .height = (png_uint_32)h, .format = format};
    return CT_OK;
}

ct_status ct_image_write(const char *path, const ct_tensor *t) {
    if (ct_why(t)) return ct_fail(t->status, "%s", ct_why(t));
    if (ct_dtype_of(t) != CT_U8 || ct_ndim(t) != 3 || (ct_size(t, 0) != 1 && ct_size(t, 0) != 3))
        return ct_fail(CT_FAIL, "%s: a PNG is written from u8 (1, H, W) or (3, H, W)", path);
    png_image to;
    CT_TRY(begin(path, ct_size(t, 1), ct_size(t, 2), ct_size(t, 0) == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY, &to));
    unsigned char *pixels = ct_alloc((size_t)ct_numel(t), 1);
    if (!pixels) return CT_NO_MEMORY;
    interleave(t, pixels);
    ct_status status = write_image(path, &to, pixels, NULL);
    ct_free(pixels);
    return status;
}

void ct_mask_colour(int class, unsigned char rgb[3]) {
    memset(rgb, 0, 3);
    for (int bit = 0; bit < 8; bit++, class >>= 3)
        for (int c = 0; c < 3; c++) rgb[c] |= (unsigned char)((class >> c & 1) << (7 - bit));
}

ct_status ct_mask_write(const char *path, const ct_tensor *mask, const int64_t size[2]) {
    unsigned char colours[256][3];
    png_image to;
    if (ct_why(mask)) return ct_fail(mask->status, "%s", ct_why(mask));
    if (ct_dtype_of(mask) != CT_U8 || ct_ndim(mask) != 2 || !ct_is_contiguous(mask))
        return ct_fail(CT_FAIL, "%s: a mask is written from contiguous u8 (H, W)", path);
    int64_t h = ct_size(mask, 0), w = ct_size(mask, 1), out_h = size && size[0] ? size[0] : h,
            out_w = size && size[1] ? size[1] : w;
    CT_TRY(begin(path, h, w, PNG_FORMAT_RGB_COLORMAP, &to));
    CT_TRY(begin(path, out_h, out_w, PNG_FORMAT_RGB_COLORMAP, &to));
    for (int i = 0; i < 256; i++) ct_mask_colour(i, colours[i]);
    to.colormap_entries = 256;
    unsigned char *pixels = ct_alloc((size_t)out_h, (size_t)out_w);
    if (!pixels) return CT_NO_MEMORY;
    ct_resize_nearest(ct_data(mask), h, w, pixels, out_h, out_w);
    ct_status status = write_image(path, &to, pixels, colours);
    ct_free(pixels);
    return status;
}
