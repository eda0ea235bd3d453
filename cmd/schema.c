/* ctorch schema: what a spec can say, for editors and for people. */
#include "cmd/cmd.h"

typedef struct args {
    bool keys;
} args;

static const ct_option options[] = {
    {"keys", 0, NULL, CT_OPTION_FLAG, offsetof(args, keys), "list each key with type, default and meaning", 0, 0}, {0}};

static void print_key(void *ctx, const ct_schema_key *k) {
    (void)ctx;
    printf("%s\t%s\t%s\t%s\n", k->path, k->type, k->required ? "required" : k->def ? k->def : "-", k->help);
}

static ct_status run(const void *args_, ct_operands operands) {
    const args *a = args_;
    (void)operands;
    if (a->keys) {
        ct_schema_each(print_key, NULL);
        return CT_OK;
    }
    char *text;
    ct_status status = ct_schema_json(&text);
    if (status) return ct_say_error(status);
    puts(text);
    ct_text_free(text);
    return CT_OK;
}

const ct_command ct_command_schema = {
    "schema", "Prints what a spec can say, as JSON Schema", "", 0, 0, options, sizeof(args), run};
