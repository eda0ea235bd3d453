/* The structs of args.def: made into ctorch_ops.h by the build, so that users see plain C. */
#define BEGIN(name) typedef struct ct_##name##_args {
#define END(name) \
    }             \
    ct_##name##_args;
#define UNUSED char unused;
#define KEY(s, type, field, ...) FIELD_##type(field)
#define FIELD_INT(field) int64_t field;
#define FIELD_FLOAT(field) double field;
#define FIELD_BOOL(field) bool field;
#define FIELD_STRING(field) const char *field;
#define INDEX(s, field, help) int64_t field;
#define NOT(s, field, help) bool no_##field;
#define ENUM(s, field, words, help) int field;
#define DIMS(s, field, help) ct_dims field;
#define INTS(s, field, n, ...) int64_t field[n];
#define WORDED(s, field, n, ...) int64_t field[n];
#define FLOATS(s, field, n, ...) double field[n];
#include "kernels/args.def"
#undef BEGIN
#undef END
#undef UNUSED
#undef KEY
#undef INDEX
#undef NOT
#undef ENUM
#undef DIMS
#undef INTS
#undef FLOATS
