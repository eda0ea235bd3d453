/* Time as it passes. */
#ifndef CT_BASE_CLOCK_H
#define CT_BASE_CLOCK_H

double ct_now(void); /* seconds from some moment on, however the clock on the wall is set */
#endif
