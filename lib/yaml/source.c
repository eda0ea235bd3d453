#include "yaml/doc.h"
#include <string.h>

int ct_utf8_read(const char *s, size_t n, uint32_t *c) {
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } form[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    const unsigned char *b = (const unsigned char *)s;
    int len = 0;
    while (len < 4 && (b[0] & form[len].mask) != form[len].lead) len++;
    if (len == 4 || (size_t)len >= n) return 0;
    *c = b[0] & (unsigned char)~form[len].mask;
    for (int i = 1; i <= len; i++) {
        if ((b[i] & 0xc0) != 0x80) return 0;
        *c = *c << 6 | (b[i] & 0x3f);
    }
    bool valid = *c >= form[len].least && *c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff);
    return valid ? len + 1 : 0;
}

int ct_utf8_count(const char *s, size_t n) {
    int count = 0;
    uint32_t c;
    for (size_t i = 0; i < n; count++) i += (size_t)CT_MAX(ct_utf8_read(s + i, n - i, &c), 1);
    return count;
}

bool ct_utf8_is_control(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x206f) ||
           c == 0xfeff || c == 0xfffe || c == 0xffff;
}

void ct_utf8_make_printable(char *s) {
    char *to = s;
    uint32_t c = 0;
    for (size_t n = strlen(s), size; n; s += size, n -= size) {
        int read = ct_utf8_read(s, n, &c);
        bool shown = read && !ct_utf8_is_control(c);
        size = (size_t)CT_MAX(read, 1);
        if (shown)
            memmove(to, s, size), to += size;
        else
            *to++ = c == '\n' || c == '\t' ? ' ' : '?';
    }
    *to = 0;
}

/* What YAML lets stand in a file. */
static bool is_allowed(uint32_t c) {
    return c == '\t' || c == '\n' || c == '\r' || c == 0x85 || (c >= 0x20 && c < 0x7f) ||
           (c >= 0xa0 && c != 0xfeff && c != 0xfffe && c != 0xffff);
}

/* Bytes of the line's end at s, 0 where there is none: those that libyaml counts lines by. */
static size_t break_length(const char *s, size_t n) {
    if (*s == '\n') return 1;
    if (*s == '\r') return n > 1 && s[1] == '\n' ? 2 : 1;
    if (n >= 2 && !memcmp(s, "\xc2\x85", 2)) return 2;
    return n >= 3 && (!memcmp(s, "\xe2\x80\xa8", 3) || !memcmp(s, "\xe2\x80\xa9", 3)) ? 3 : 0;
}

/* Writes where lines start (when `start` is given) and returns how many there are. */
static int find_lines(const char *text, size_t len, uint32_t *start) {
    int n = 0;
    if (start) start[0] = 0;
    for (size_t i = 0, end; i < len; i += CT_MAX(end, 1)) {
        end = break_length(text + i, len - i);
        if (end && ++n && start) start[n] = (uint32_t)(i + end);
    }
    if (start) start[n + 1] = (uint32_t)len;
    return n + 1;
}

const char *ct_source_line(const ct_source *text, int line, size_t *len) {
    const source *s = (const source *)text;
    *len = 0;
    if (line < 1 || line > s->lines) return "";
    const char *from = text->text + s->start[line - 1];
    size_t n = s->start[line] - s->start[line - 1];
    while (*len < n && !break_length(from + *len, n - *len)) ++*len;
    return from;
}

/* Every character is one that YAML allows, and no line declares tags (libyaml compares each such line with all). */
static bool check_text(ct_doc *doc, const source *s) {
    ct_yaml at = {.source = &s->text};
    for (int line = 1; line <= s->lines; line++) {
        const char *text = s->text.text + s->start[line - 1];
        size_t n = s->start[line] - s->start[line - 1];
        at.line = line, at.col = 1, at.end_col = 5;
        if (n > 4 && !memcmp(text, "%TAG", 4)) return ct_diag(doc, CT_ERROR, &at, "tags are not supported"), false;
        uint32_t c = 0;
        for (size_t i = 0, size; i < n; i += size, at.col++) {
            size = (size_t)ct_utf8_read(text + i, n - i, &c);
            at.end_col = at.col + 1;
            if (!size)
                return ct_diag(doc, CT_ERROR, &at, "this is not UTF-8 text (byte 0x%02x)", text[i] & 0xff), false;
            if (!is_allowed(c)) return ct_diag(doc, CT_ERROR, &at, "character U+%04X cannot stand here", c), false;
        }
    }
    return true;
}

source *ct_source_new(ct_doc *doc, const char *name, const char *text, size_t len) {
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) text += 3, len -= 3;
    bool fits = len <= CT_YAML_TEXT;
    if (!fits) len = 0;
    source *s = ct_doc_alloc(doc, 1, sizeof *s);
    char *copy = ct_doc_alloc(doc, len + 1, 1), *shown = ct_doc_strdup(doc, name);
    if (!s || !copy || !shown) return NULL;
    ct_utf8_make_printable(shown);
    memcpy(copy, text, len);
    s->rank = doc->sources++, s->shown = shown, s->included = doc->including;
    s->lines = find_lines(copy, len, NULL);
    s->start = ct_doc_alloc(doc, (size_t)s->lines + 1, sizeof *s->start);
    s->text = (ct_source){.name = ct_doc_strdup(doc, name), .text = copy, .len = len};
    if (!s->start || !s->text.name) return NULL;
    find_lines(copy, len, s->start);
    if (!fits) ct_diag(doc, CT_ERROR, &(ct_yaml){.source = &s->text}, "the text is over %d MB", CT_YAML_TEXT >> 20);
    return fits && check_text(doc, s) ? s : NULL;
}
