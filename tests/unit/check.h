/* A unit test is a program: CHECKs in functions that main RUNs; the last line is "NAME: N passed, N failed". */
#ifndef CT_TESTS_CHECK_H
#define CT_TESTS_CHECK_H
#include <math.h>
#include <stdio.h>
#include <string.h>

static int check_passed, check_failed;

static inline int check_that(int ok, const char *file, int line, const char *what) {
    if (ok)
        check_passed++;
    else
        check_failed++, printf("%s:%d: not so: %s\n", file, line, what);
    return ok;
}
#define CHECK(cond) check_that(!!(cond), __FILE__, __LINE__, #cond)
#define CHECK_STR(got, want)                                                           \
    do {                                                                               \
        const char *g_ = (got), *w_ = (want);                                          \
        if (!check_that(g_ && !strcmp(g_, w_), __FILE__, __LINE__, #got " is " #want)) \
            printf("    got: %s\n    want: %s\n", g_ ? g_ : "(null)", w_);             \
    } while (0)
#define CHECK_HAS(got, want)                                                           \
    do {                                                                               \
        const char *g_ = (got), *w_ = (want);                                          \
        if (!check_that(g_ && strstr(g_, w_), __FILE__, __LINE__, #got " has " #want)) \
            printf("    got: %s\n    want in it: %s\n", g_ ? g_ : "(null)", w_);       \
    } while (0)
#define CHECK_NEAR(got, want, tol)                                                           \
    do {                                                                                     \
        double g_ = (got), w_ = (want);                                                      \
        if (!check_that(fabs(g_ - w_) <= (tol), __FILE__, __LINE__, #got " is near " #want)) \
            printf("    got: %.9g want: %.9g\n", g_, w_);                                    \
    } while (0)
#define RUN(fn) (fn(), (void)0)

static inline int check_done(const char *name) {
    printf("%s: %d passed, %d failed\n", name, check_passed, check_failed);
    return check_failed != 0;
}
#endif
