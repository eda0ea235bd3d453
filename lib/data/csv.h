/* Comma-separated values as RFC 4180 has them, row after row. */
#ifndef CT_DATA_CSV_H
#define CT_DATA_CSV_H
#include "base/error.h"

typedef struct ct_csv_field {
    char *text;           /* unquoted; without the spaces around it where it was not quoted */
    int64_t line, column; /* where it begins, from 1; the column in bytes */
} ct_csv_field;

typedef struct ct_csv {
    const char *path;
    char *text, *at, *line_start; /* all of it, with a 0 at the end alone; what is not read yet */
    int64_t line;
    ct_csv_field *field; /* n of the row that was read last; their texts live as long as `text` */
    int n;
    size_t cap;
} ct_csv;

/* Reads the file, at most 1 GiB, which keeps `path`; close it whatever is returned. CT_BAD_DATA: it is no text. */
ct_status ct_csv_open(const char *path, ct_csv *out);
void ct_csv_close(ct_csv *c);
/* The next row; empty lines are none. *more: there was one. */
ct_status ct_csv_next(ct_csv *c, bool *more);
/* CT_BAD_DATA, "PATH:LINE:COLUMN: ...". */
ct_status ct_csv_wrong(const ct_csv *c, const ct_csv_field *at, const char *format, ...) CT_PRINTF(3, 4);
#endif
