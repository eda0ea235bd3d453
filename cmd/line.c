/* The progress line: on stderr, only where that is a terminal, redrawn in place with nothing but carriage returns. */
#include "cmd/cmd.h"
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BETWEEN 0.1 /* seconds */
#define WIDEST 500

static int shown;   /* characters of the line that stands there */
static double last; /* when it was drawn */

int ct_terminal_width(int fd) {
    struct winsize w;
    if (!isatty(fd)) return 0;
    return ioctl(fd, TIOCGWINSZ, &w) || !w.ws_col ? 80 : w.ws_col < WIDEST ? w.ws_col : WIDEST;
}

bool ct_terminal_draws(int fd) {
    const char *term = getenv("TERM");
    setlocale(LC_CTYPE, "");
    return isatty(fd) && term && strcmp(term, "dumb") && !strcmp(nl_langinfo(CODESET), "UTF-8");
}

bool ct_line_due(void) {
    double now = ct_now();
    if (now - last < BETWEEN || !isatty(STDERR_FILENO)) return false;
    last = now;
    return true;
}

void ct_line_show(const char *fmt, ...) {
    char line[WIDEST + 1];
    int width = ct_terminal_width(STDERR_FILENO);
    if (!width) return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, (size_t)width, fmt, args); /* a full last column would wrap */
    va_end(args);
    int n = (int)strlen(line);
    fprintf(stderr, "\r%s%*s", line, shown > n ? shown - n : 0, "");
    shown = n;
}

void ct_line_clear(void) {
    if (shown) fprintf(stderr, "\r%*s\r", shown, "");
    shown = 0;
}
