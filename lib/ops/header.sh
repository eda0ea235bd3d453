#!/bin/sh
# Makes ctorch_ops.h on stdout: header.in through the preprocessor, notes turned into comments, a declaration a line.
set -e
echo '/* The ops, made from the tables in kernels/ by lib/ops/header.sh: one row, one function. Part of ctorch.h. */'
printf '#ifndef CTORCH_OPS_H\n#define CTORCH_OPS_H\n#ifdef __cplusplus\nextern "C" {\n#endif\n\n'
${CC:-cc} -E -P -undef -D__extension__= -I. -xc lib/ops/header.in | tr '\n' ' ' | sed -E \
    -e 's/@ "([^"]*)"/\n\/* \1 *\/\n/g' -e 's/@ ?(\/\*)?/\n/g' -e 's/; */;\n/g' -e 's/\{ */{\n/g' |
    sed -E -e 's/ +/ /g; s/ ([,)])/\1/g' -e 's/^ //; s/ $//' -e 's/\* \*/**/g' -e '/^$/d' -e 's/^(int64_t|double|bool|int|char|const char|ct_dims) /    &/'
printf '\n#ifdef __cplusplus\n}\n#endif\n#endif\n'
