/* Which values of a program share memory. */
#ifndef CT_PLAN_SHARE_H
#define CT_PLAN_SHARE_H
#include "plan/program.h"

/* Sets the lifetimes of all values, lets new values of slots be made in the slots themselves, whose copies go, and
   results take the place of inputs that die with them. */
void ct_program_share(ct_program *p);
#endif
