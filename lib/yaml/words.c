/* Parts of messages. */
#include "yaml/value.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SHOWN 40 /* bytes of a value that a message repeats */

const char *ct_value_words(const ct_yaml *node, ct_words *w) {
    if (node->kind == CT_LIST) return node->n ? "a list" : "an empty list";
    if (node->kind == CT_MAP) return "a map";
    if (!node->quoted && !*node->text) return "nothing";
    size_t n = strlen(node->text), shown = CT_MIN(n, SHOWN);
    while (shown < n && (node->text[shown] & 0xc0) == 0x80) shown--; /* whole characters */
    snprintf(w->text, sizeof w->text, "%s'%.*s%s'", node->quoted ? "the string " : "", (int)shown, node->text,
             shown < n ? "..." : "");
    return w->text;
}

/* What others call what has another name here. */
static const struct {
    const char *theirs, *ours;
} called[] = {{"dense", "linear"},
              {"fc", "linear"},
              {"conv", "conv2d"},
              {"cat", "concat"},
              {"swish", "silu"},
              {"attention", "multi_head_attention"},
              {"mha", "multi_head_attention"},
              {"positional_embedding", "positions"},
              {"positional_encoding", "positions"},
              {"global_avg_pool", "adaptive_avg_pool2d"},
              {"global_average_pooling2d", "adaptive_avg_pool2d"},
              {"filters", "out_channels"},
              {"units", "out_features"},
              {"mae", "l1"},
              {"bce", "binary_cross_entropy"},
              {"bce_with_logits", "binary_cross_entropy_with_logits"},
              {"ce", "cross_entropy"},
              {"learning_rate", "lr"},
              {"grad_clip", "clip_grad_norm"},
              {"gradient_clip_val", "clip_grad_norm"},
              {"patience", "early_stopping"}};

static const char *known_as(const char *word, const char *const *names, int n) {
    for (int i = 0; i < CT_COUNT(called); i++)
        for (int k = 0; !strcasecmp(word, called[i].theirs) && k < n; k++)
            if (!strcmp(names[k], called[i].ours)) return names[k];
    return NULL;
}

const char *ct_near_words(const ct_doc *doc, const char *word, const char *const *names, int n, ct_words *w) {
    if (ct_diag_is_full(doc)) return ""; /* work that nobody would see */
    if (strchr(word, ':')) return "; a space belongs after its ':'";
    const char *near = known_as(word, names, n);
    if (!near) near = ct_nearest(word, names, n);
    if (!near) return "";
    snprintf(w->text, sizeof w->text, "; did you mean '%s'?", near);
    return w->text;
}

const char *ct_list_words(const char *const *names, int n, ct_words *w) {
    static const char more[] = ", ... (`ctorch schema --keys` lists all)";
    size_t room = CT_MIN(sizeof w->text, 240) - sizeof more;
    size_t len = (size_t)snprintf(w->text, sizeof w->text, n == 1 ? "; expected " : "; expected one of ");
    for (int i = 0; i < n; i++) {
        const char *comma = i ? ", " : "";
        if (len + strlen(comma) + strlen(names[i]) > room) {
            strcpy(w->text + len, more);
            break;
        }
        len += (size_t)snprintf(w->text + len, sizeof w->text - len, "%s%s", comma, names[i]);
    }
    return w->text;
}
