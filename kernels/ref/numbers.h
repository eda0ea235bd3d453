/* Includes BODY once for each type of number: T is the type, F(name) a function's name for it, WIDE what sums are made
   in (integers wrap), SUM what they are stored as, INTEGER(v, lo, hi) a value as an integer. bool is read as u8. */
#define IS_NAN(v) isnan(v)
#define INTEGER(v, lo, hi) ct_truncate(v, lo, hi)
#define WIDE double
#define T float
#define SUM float
#define F(name) name##_f32
#include BODY
#undef T
#undef SUM
#undef F
#define T double
#define SUM double
#define F(name) name##_f64
#include BODY
#undef T
#undef SUM
#undef F
#undef WIDE
#undef IS_NAN
#undef INTEGER

#define IS_NAN(v) false
#define INTEGER(v, lo, hi) (v)
#define WIDE uint64_t
#define SUM int64_t
#define T int64_t
#define F(name) name##_i64
#include BODY
#undef T
#undef F
#define T int32_t
#define F(name) name##_i32
#include BODY
#undef T
#undef F
#define T uint8_t
#define F(name) name##_u8
#include BODY
#undef T
#undef F
#undef SUM
#undef WIDE
#undef IS_NAN
#undef INTEGER
#undef BODY
