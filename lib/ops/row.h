/* Words for reading the fields of rows (ops.def, pointwise.def): each takes apart IN3(x, w, b), OUT2(y, i), or args. */
#ifndef CT_OPS_ROW_H
#define CT_OPS_ROW_H
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define SECOND_(a, b, ...) b
#define SECOND(...) SECOND_(__VA_ARGS__)

/* How a function takes its arguments: as a struct (YES), not at all (NO: `none`), or as a number (NUMBER: `scalar`). */
#define PROBE_none ~, NO
#define PROBE_scalar ~, NUMBER
#define HAS_ARGS(args) SECOND(PROBE_##args, YES, ~)

/* PARAMS_##ins: C parameters, each after a comma. VALUES_##ins: the list (ct_tensor *[]). COUNT_##ins.
   NAMES_##ins: strings. */
#define PARAMS_IN0()
#define PARAMS_IN1(a) , ct_tensor *a
#define PARAMS_IN2(a, b) , ct_tensor *a, ct_tensor *b
#define PARAMS_IN3(a, b, c) , ct_tensor *a, ct_tensor *b, ct_tensor *c
#define PARAMS_IN4(a, b, c, d) , ct_tensor *a, ct_tensor *b, ct_tensor *c, ct_tensor *d
#define PARAMS_IN5(a, b, c, d, e) , ct_tensor *a, ct_tensor *b, ct_tensor *c, ct_tensor *d, ct_tensor *e
#define PARAMS_IN6(a, b, c, d, e, f) PARAMS_IN5(a, b, c, d, e), ct_tensor *f
#define PARAMS_IN7(a, b, c, d, e, f, g) PARAMS_IN6(a, b, c, d, e, f), ct_tensor *g
#define PARAMS_IN8(a, b, c, d, e, f, g, h) PARAMS_IN7(a, b, c, d, e, f, g), ct_tensor *h
#define PARAMS_INS(list) , ct_tensor *const *list, int n
#define COUNT_IN0() 0
#define COUNT_IN1(a) 1
#define COUNT_IN2(a, b) 2
#define COUNT_IN3(a, b, c) 3
#define COUNT_IN4(a, b, c, d) 4
#define COUNT_IN5(a, b, c, d, e) 5
#define COUNT_IN6(a, b, c, d, e, f) 6
#define COUNT_IN7(a, b, c, d, e, f, g) 7
#define COUNT_IN8(a, b, c, d, e, f, g, h) 8
#define COUNT_INS(list) -1
#define NAMES_IN0()
#define NAMES_IN1(a) #a
#define NAMES_IN2(a, b) #a, #b
#define NAMES_IN3(a, b, c) #a, #b, #c
#define NAMES_IN4(a, b, c, d) #a, #b, #c, #d
#define NAMES_IN5(a, b, c, d, e) #a, #b, #c, #d, #e
#define NAMES_IN6(a, b, c, d, e, f) #a, #b, #c, #d, #e, #f
#define NAMES_IN7(a, b, c, d, e, f, g) #a, #b, #c, #d, #e, #f, #g
#define NAMES_IN8(a, b, c, d, e, f, g, h) #a, #b, #c, #d, #e, #f, #g, #h
#define NAMES_INS(list) #list
#define VALUES_IN0() NULL, 0
#define VALUES_IN1(a) (ct_tensor *[]){a}, 1
#define VALUES_IN2(a, b) (ct_tensor *[]){a, b}, 2
#define VALUES_IN3(a, b, c) (ct_tensor *[]){a, b, c}, 3
#define VALUES_IN4(a, b, c, d) (ct_tensor *[]){a, b, c, d}, 4
#define VALUES_IN5(a, b, c, d, e) (ct_tensor *[]){a, b, c, d, e}, 5
#define VALUES_IN6(a, b, c, d, e, f) (ct_tensor *[]){a, b, c, d, e, f}, 6
#define VALUES_IN7(a, b, c, d, e, f, g) (ct_tensor *[]){a, b, c, d, e, f, g}, 7
#define VALUES_IN8(a, b, c, d, e, f, g, h) (ct_tensor *[]){a, b, c, d, e, f, g, h}, 8
#define VALUES_INS(list) list, n

#define PARAMS_OUT1(a)
#define PARAMS_OUT2(a, b) , ct_tensor **b
#define PARAMS_OUT3(a, b, c) , ct_tensor **b, ct_tensor **c
#define PARAMS_OUT5(a, b, c, d, e) , ct_tensor **b, ct_tensor **c, ct_tensor **d, ct_tensor **e
#define VALUES_OUT1(a) NULL
#define VALUES_OUT2(a, b) \
    (ct_tensor * *[]) { b }
#define VALUES_OUT3(a, b, c) \
    (ct_tensor * *[]) { b, c }
#define VALUES_OUT5(a, b, c, d, e) \
    (ct_tensor * *[]) { b, c, d, e }
#define COUNT_OUT1(a) 1
#define COUNT_OUT2(a, b) 2
#define COUNT_OUT3(a, b, c) 3
#define COUNT_OUT5(a, b, c, d, e) 5
#define COUNT_OUTS() -1
#define NAMES_OUT1(a) #a
#define NAMES_OUT2(a, b) #a, #b
#define NAMES_OUT3(a, b, c) #a, #b, #c
#define NAMES_OUT5(a, b, c, d, e) #a, #b, #c, #d, #e
#define NAMES_OUTS() "tensors"

#define ARGS_PARAM(args) PASTE(ARGS_PARAM_, HAS_ARGS(args))(args)
#define ARGS_PARAM_YES(a) , ct_##a##_args args
#define ARGS_PARAM_NO(a)
#define ARGS_PARAM_NUMBER(a) , double other
#define ARGS_VALUE(args) PASTE(ARGS_VALUE_, HAS_ARGS(args))
#define ARGS_VALUE_YES &args
#define ARGS_VALUE_NO NULL
#define ARGS_VALUE_NUMBER (&(ct_scalar_args){other})

/* The C prototype of a row's function. */
#define PROTO(name, ins, a, outs) ct_tensor *ct_##name(BUT_FIRST(~PARAMS_##ins ARGS_PARAM(a) PARAMS_##outs))
#define BUT_FIRST(...) BUT_FIRST_(__VA_ARGS__)
#define BUT_FIRST_(first, ...) __VA_ARGS__
#endif
