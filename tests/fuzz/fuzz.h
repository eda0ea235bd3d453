/* Files damaged in every way, read by the library: refused in one clear line, or read as what was in them before. */
#ifndef CT_FUZZ_H
#define CT_FUZZ_H
#include "base/buf.h"
#include "ctorch_run.h"

/* A kind of file. */
typedef struct fuzz_target {
    const char *name, *file; /* file: what fuzz_prepare made a whole one as */
    /* Reads it; content gets what was in it, or the message. */
    ct_status (*read)(const char *path, ct_buf *content);
    bool sealed;     /* a check sum covers it all: what is read in spite of the damage must be what was there */
    unsigned refuse; /* the statuses that say no, as bits */
    /* Makes the check sums right again after the damage, which else would hide what lies behind them; or NULL. */
    void (*seal)(ct_buf *file);
} fuzz_target;

extern const fuzz_target fuzz_targets[];
extern const int fuzz_n_targets;

/* Makes a whole file of each kind in `dir`. */
ct_status fuzz_prepare(const char *dir);

/* n mutations of specs, none of which may crash, hang, or take over 100 MB; adds passed and failed to `total`. below:
   the random numbers. */
void fuzz_specs(int n, uint64_t (*below)(uint64_t n), int total[2]);

void fuzz_seal_png(ct_buf *file);
void fuzz_seal_safetensors(ct_buf *file);
#endif
