/* One transfer into an open file, by libcurl, which is opened only here: linking it would slow every start. */
#ifndef CT_DATA_CURL_H
#define CT_DATA_CURL_H
#include "base/error.h"

typedef struct ct_curl ct_curl;
/* CT_FAIL when this machine (or the build) has no libcurl. */
ct_status ct_curl_open(ct_curl **out);
void ct_curl_close(ct_curl *c);

typedef enum ct_outcome {
    CT_GOT,     /* all of it */
    CT_ABSENT,  /* there is no such file */
    CT_AGAIN,   /* a failure that may pass */
    CT_RESTART, /* the server cannot go on from `have` */
    CT_REFUSED, /* anything else */
} ct_outcome;

typedef struct ct_transfer {
    const char *url;
    int fd;        /* at its end */
    int64_t have;  /* bytes in it: only those after them are asked for; afterwards, all that are there */
    int64_t limit; /* more than these are refused */
    int timeout_s; /* without a byte */
    void (*progress)(void *ctx, int64_t done, int64_t total); /* may be NULL */
    void *ctx;
    char why[300]; /* unless CT_GOT */
} ct_transfer;

/* https://, file://, and http:// (which https:// is never redirected to); at most 10 redirects. */
ct_outcome ct_curl_get(ct_curl *c, ct_transfer *t);
#endif
