/* Includes BODY once for f32 and f64: T is the type, F(name) a function's name for it. */
#define T float
#define F(name) name##_f32
#include BODY
#undef T
#undef F
#define T double
#define F(name) name##_f64
#include BODY
#undef T
#undef F
#undef BODY
