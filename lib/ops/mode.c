/* How this thread's ops run: recorded for a backward, multiplying in bf16, as what a checkpoint computes again, as one
   kernel each, by Winograd's algorithm. */
#include "ops/ops.h"

static _Thread_local int no_grad_depth;

int ct_no_grad_swap(int depth) {
    int was = no_grad_depth;
    no_grad_depth = depth;
    return was;
}

bool ct_grad_enabled(void) { return no_grad_depth == 0; }
void ct_no_grad_begin(void) { no_grad_depth++; }
void ct_no_grad_end(void) { no_grad_depth -= no_grad_depth > 0; }

static _Thread_local int autocast_depth;

int ct_autocast_swap(int depth) {
    int was = autocast_depth;
    autocast_depth = depth;
    return was;
}

bool ct_autocast(void) { return autocast_depth > 0; }
void ct_autocast_begin(void) { autocast_depth++; }
void ct_autocast_end(void) { autocast_depth -= autocast_depth > 0; }

static _Thread_local bool again;

bool ct_recomputing(void) { return again; }

bool ct_recompute_swap(bool now) {
    bool was = again;
    again = now;
    return was;
}

static _Thread_local bool whole;

bool ct_whole(void) { return whole; }

bool ct_whole_swap(bool now) {
    bool was = whole;
    whole = now;
    return was;
}

static _Thread_local bool direct;

bool ct_winograd(void) { return !direct; }

bool ct_winograd_swap(bool now) {
    bool was = !direct;
    direct = !now;
    return was;
}

ct_status ct_set_once(ct_tensor *dst, ct_tensor *src) { return again ? CT_OK : ct_set(dst, src); }
