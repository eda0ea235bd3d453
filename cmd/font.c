/* A small font for pictures: 4 x 7 pixels a character, a row of them a hexadecimal digit. */
#include "cmd/picture.h"
#include <string.h>

enum { COLUMNS = 4, ROWS = 7, ADVANCE = COLUMNS + 1 };

/* From the space on, as in ASCII. */
static const char glyphs[][ROWS + 1] = {
    "0000000", "4444040", "aa00000", "05f5f50", "47c3e40", "9124890", "4a4ba50", "4400000", "2444420", "4222240",
    "0a4a000", "004e400", "0000024", "000e000", "0000040", "1124880", "69bd960", "2622270", "69124f0", "e1611e0",
    "99f1110", "f8e11e0", "68e9960", "f122440", "6969960", "6997160", "0040400", "0040048", "0248420", "00e0e00",
    "0842480", "6924040", "69bb870", "699f990", "e9e99e0", "6988960", "e9999e0", "f8e88f0", "f8e8880", "698b970",
    "99f9990", "e4444e0", "7222a40", "9aca990", "88888f0", "9ff9990", "9ddbb90", "6999960", "e99e880", "69999b6",
    "e99ea90", "78611e0", "e444440", "9999960", "999aa40", "999ff90", "9966990", "9997160", "f1248f0", "6444460",
    "8842110", "6222260", "4a00000", "000000f", "8400000", "0079970", "88e99e0", "0078870", "1179970", "006f870",
    "34e4440", "007971e", "88e9990", "4044440", "202222c", "88aca90", "4444420", "009ff90", "00e9990", "0069960",
    "00e99e8", "0079971", "00bc880", "007c3e0", "44e4430", "0099970", "0099a40", "0099f60", "0096690", "009971e",
    "00f24f0", "2448442", "4444444", "8442448", "005a000",
};
static const char unknown[] = "f9999f0";

int ct_font_width(const char *text, int scale) { return ct_text_width(text) * ADVANCE * scale; }

static bool is_set(const char *glyph, int row, int column) {
    const char *digits = "0123456789abcdef";
    return (strchr(digits, glyph[row]) - digits) >> (COLUMNS - 1 - column) & 1;
}

void ct_font_draw(ct_picture *p, int64_t x, int64_t y, int scale, const char *text, int64_t width) {
    static const unsigned char black[3] = {0};
    for (; *text && width >= ADVANCE * scale; width -= ADVANCE * scale, x += ADVANCE * scale) {
        const char *glyph = *text >= ' ' && *text <= '~' ? glyphs[*text - ' '] : unknown;
        for (int i = 0; i < ROWS * COLUMNS; i++)
            if (is_set(glyph, i / COLUMNS, i % COLUMNS))
                ct_picture_fill(p, x + i % COLUMNS * scale, y + i / COLUMNS * scale, scale, black);
        text += ct_text_char(text) ? ct_text_char(text) : 1;
    }
}
