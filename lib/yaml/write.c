#include "yaml/doc.h"
#include <string.h>

#define SIMPLE_KEY 256 /* bytes; a longer key is written "? key": libyaml reads others up to 1024 characters */

bool ct_yaml_is_plain(const char *s) {
    static const char indicators[] = "-?:,[]{}#&*!|>'\"%@`";
    size_t n = strlen(s);
    if (!n || s[0] == ' ' || s[n - 1] == ' ' || s[n - 1] == ':') return false;
    bool starts_word = strchr("-?:", s[0]) && s[1] && s[1] != ' '; /* -1 */
    if (strchr(indicators, s[0]) && !starts_word) return false;
    if (!strncmp(s, "--- ", 4) || !strncmp(s, "... ", 4) || !strcmp(s, "---") || !strcmp(s, "...")) return false;
    if (strstr(s, ": ") || strstr(s, " #")) return false;
    uint32_t c = 0;
    for (size_t i = 0, size; i < n; i += size) {
        size = (size_t)ct_utf8_read(s + i, n - i, &c);
        if (!size || ct_utf8_is_control(c)) return false;
    }
    return true;
}

static void write_quoted(const char *s, ct_buf *out) {
    uint32_t c = 0;
    ct_buf_puts(out, "\"");
    for (size_t n = strlen(s), size; n; s += size, n -= size) {
        size = (size_t)ct_utf8_read(s, n, &c);
        if (!size) size = 1, c = 0xfffd; /* not reached with a text that was read */
        if (c == '"' || c == '\\')
            ct_buf_printf(out, "\\%c", (int)c);
        else if (c == '\n')
            ct_buf_puts(out, "\\n");
        else if (ct_utf8_is_control(c))
            ct_buf_printf(out, "\\u%04X", c);
        else
            ct_buf_add(out, s, size);
    }
    ct_buf_puts(out, "\"");
}

static void write_leaf(const ct_yaml *node, ct_buf *out) {
    if (node->kind != CT_SCALAR)
        ct_buf_puts(out, node->kind == CT_LIST ? "[]" : "{}");
    else if (!node->quoted && (!*node->text || ct_yaml_is_plain(node->text)))
        ct_buf_puts(out, node->text);
    else
        write_quoted(node->text, out);
}

static void write_children(const ct_yaml *node, int indent, bool same_line, ct_buf *out);

/* What follows "key:" or "-": on the line, or on those below. */
static void write_value(const ct_yaml *node, int indent, bool in_list, ct_buf *out) {
    if (node->kind != CT_SCALAR && node->n) {
        ct_buf_puts(out, in_list ? " " : "\n");
        write_children(node, indent + 2, in_list, out);
        return;
    }
    if (!ct_yaml_is_null(node) || *node->text) ct_buf_puts(out, " ");
    write_leaf(node, out);
    ct_buf_puts(out, "\n");
}

/* `same_line`: the first child goes on after "- ". */
static void write_children(const ct_yaml *node, int indent, bool same_line, ct_buf *out) {
    for (int i = 0; i < node->n && !out->failed; i++) {
        if (i || !same_line) ct_buf_printf(out, "%*s", indent, "");
        if (node->kind == CT_LIST) {
            ct_buf_puts(out, "-");
        } else {
            const ct_yaml *key = node->key[i];
            bool simple = strlen(key->text) <= SIMPLE_KEY && (key->quoted || *key->text);
            if (!simple) ct_buf_puts(out, "? ");
            write_leaf(key, out);
            if (simple)
                ct_buf_puts(out, ":");
            else
                ct_buf_printf(out, "\n%*s:", indent, "");
        }
        write_value(node->value[i], indent, node->kind == CT_LIST, out);
    }
}

void ct_yaml_write(const ct_yaml *node, ct_buf *out) {
    bool is_block = node->kind != CT_SCALAR && node->n;
    if (is_block)
        write_children(node, 0, false, out);
    else
        write_leaf(node, out);
    if (!is_block) ct_buf_puts(out, "\n");
}
