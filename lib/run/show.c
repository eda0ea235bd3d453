#include "run/show.h"
#include "base/alloc.h"

ct_status ct_show_data(ct_show *s) {
    const ct_spec *spec = s->given.spec;
    if (s->data) return CT_OK;
    return ct_dataset_load(&spec->data, (uint64_t)spec->seed, s->data_dirs, &s->data);
}

/* A model's own, whatever has become of its data; a spec's as far as they are known, else its data's. */
static ct_status find_fields(ct_show *s, ct_fields *out) {
    if (s->given.model) {
        *out = s->given.model->fields;
        return CT_OK;
    }
    ct_status status = ct_spec_fields(s->given.spec, out, &s->size);
    if (status || out->n) return status;
    CT_TRY(ct_show_data(s));
    ct_dataset_fields(s->data, out);
    return CT_OK;
}

static ct_status look(ct_show *s) {
    ct_fields fields;
    ct_outputs outputs = {0};
    CT_TRY(find_fields(s, &fields));
    ct_status status = ct_net_look(s->given.spec, &fields, ct_outputs_add, &outputs, &s->net);
    if (!status) status = ct_parts_of(&s->net, &outputs, &s->parts);
    ct_free(outputs.text);
    return status;
}

ct_status ct_show_open(const char *path, const char *const *set, const char *const *data_dirs, ct_show **out,
                       char **messages) {
    ct_show *s = ct_alloc(1, sizeof *s);
    *messages = NULL;
    if (!s) return CT_NO_MEMORY;
    s->data_dirs = data_dirs;
    ct_status status = ct_given_open(path, set, &s->given, messages);
    if (!status) {
        ct_scope *scope = ct_scope_open();
        status = scope ? look(s) : CT_NO_MEMORY;
        ct_status closed = ct_scope_close(scope); /* what went wrong inside is a diagnostic already */
        ct_text_free(*messages);
        *messages = NULL;
        ct_status said = ct_spec_messages(s->given.spec, messages);
        if (!status) status = said ? said : closed;
    }
    if (status)
        ct_show_close(s);
    else
        *out = s;
    return status;
}

void ct_show_close(ct_show *s) {
    if (!s) return;
    ct_free(s->parts.part);
    ct_net_free(&s->net);
    ct_dataset_free(s->data);
    ct_given_free(&s->given);
    ct_free(s);
}

const ct_spec *ct_show_spec(const ct_show *s) { return s->given.spec; }
const ct_parts *ct_show_parts(const ct_show *s) { return &s->parts; }
