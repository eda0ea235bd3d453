/* usage: fuzz [THOROUGH [SEED]]   THOROUGH: 1 (a byte is changed in two ways), or more (in all; so many times the
   random cases). The last line is "fuzz: N passed, N failed". */
#include "base/alloc.h"
#include "file/file.h"
#include "fuzz.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT ((size_t)16 << 20)
#define HEADER 3000 /* bytes of a file that are changed one by one */
#define SHOWN 5     /* failures a target */

typedef struct fuzz {
    const fuzz_target *target;
    char path[4096];
    ct_buf whole, content; /* the file, and what is in it */
    ct_buf now;            /* the file as it is damaged */
    char what[256];        /* how */
    int passed, failed;
} fuzz;

static uint64_t seed;
static uint64_t below(uint64_t n) { /* PCG's multiplier; the high bits are the good ones */
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % (n ? n : 1);
}

/* ---- damage ---- */

static void begin(fuzz *f) {
    f->now.len = 0, f->what[0] = 0;
    ct_buf_add(&f->now, f->whole.data, f->whole.len);
}

static void describe(fuzz *f, const char *what, size_t at, unsigned value) {
    size_t n = strlen(f->what);
    snprintf(f->what + n, sizeof f->what - n, "%s%s %zu (%#x)", n ? ", " : "", what, at, value);
}

static void cut(fuzz *f, size_t at) {
    describe(f, "cut at", at, 0);
    f->now.len = at;
}

static void set_byte(fuzz *f, size_t at, unsigned value) {
    describe(f, "byte", at, value & 255);
    f->now.data[at] = (char)value;
}

static void insert(fuzz *f, size_t at, const void *bytes, size_t n) {
    ct_buf tail = CT_BUF(LIMIT);
    describe(f, "insert at", at, (unsigned)n);
    ct_buf_add(&tail, f->now.data + at, f->now.len - at);
    f->now.len = at;
    ct_buf_add(&f->now, bytes, n);
    ct_buf_add(&f->now, tail.data, tail.len);
    ct_buf_free(&tail);
}

static void erase(fuzz *f, size_t at, size_t n) {
    describe(f, "erase at", at, (unsigned)n);
    memmove(f->now.data + at, f->now.data + at + n, f->now.len - at - n);
    f->now.len -= n;
}

/* Four bytes that a size or an offset should not be, or a number in text. */
static void overwrite(fuzz *f, size_t at) {
    static const char values[][5] = {"\xff\xff\xff\xff",
                                     "\x7f\xff\xff\xff",
                                     "\xff\xff\xff\x7f",
                                     "\x80\0\0\0",
                                     "\0\0\0\x80",
                                     "\0\0\0\0",
                                     "9999",
                                     "-1e9",
                                     "\"]},",
                                     "\n- *"};
    uint64_t which = below(CT_COUNT(values));
    describe(f, "four bytes at", at, (unsigned)which);
    for (size_t i = 0; i < 4 && at + i < f->now.len; i++) f->now.data[at + i] = values[which][i];
}

static void damage(fuzz *f) {
    char noise[64];
    size_t at = below(f->now.len), n = 1 + below(16);
    if (!f->now.len) return;
    if (below(2)) at = below(CT_MIN(f->now.len, 200)); /* what matters most stands at the front */
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)below(256);
    switch (below(7)) {
    case 0:
    case 1:
        set_byte(f, at, (unsigned char)f->now.data[at] ^ 1u << below(8));
        break;
    case 2:
        overwrite(f, at);
        break;
    case 3:
        insert(f, at, noise, n);
        break;
    case 4:
        insert(f, f->now.len, noise, below(sizeof noise));
        break;
    case 5:
        erase(f, at, CT_MIN(n, f->now.len - at));
        break;
    default:
        insert(f, at, f->whole.data, CT_MIN(f->whole.len, 10 * n));
        break;
    }
}

/* ---- judgement ---- */

static bool is_clear(const char *message, const char *file) {
    const char *name = strrchr(file, '/');
    for (const char *p = message; *p; p++)
        if ((unsigned char)*p < 32) return false;
    return strstr(message, name ? name + 1 : file) != NULL;
}

/* Without waiting for the disk, as ct_file_write would. */
static bool put(const fuzz *f) {
    FILE *file = fopen(f->path, "wb");
    bool ok = file && fwrite(f->now.data, 1, f->now.len, file) == f->now.len;
    return file && !fclose(file) && ok;
}

static bool same(const ct_buf *a, const ct_buf *b) { return a->len == b->len && !memcmp(a->data, b->data, a->len); }

static void judge(fuzz *f) {
    ct_buf content = CT_BUF(LIMIT);
    alarm(60);
    if (f->target->seal) f->target->seal(&f->now);
    ct_status status = put(f) ? f->target->read(f->path, &content) : CT_FAIL;
    if (!content.data) ct_buf_puts(&content, "");
    const char *wrong = NULL;
    if (!status && f->target->sealed && !same(&content, &f->content))
        wrong = "read as something else";
    else if (status && !(f->target->refuse >> status & 1))
        wrong = "not the status to refuse it with";
    else if (status && !is_clear(content.data, f->target->file))
        wrong = "not one clear line that names the file";
    if (!wrong)
        f->passed++;
    else if (f->failed++ < SHOWN)
        printf("%s: %s: %s: status %d: %.200s\n", f->target->name, f->what, wrong, status, status ? content.data : "");
    ct_buf_free(&content);
}

static void change_header(fuzz *f, int thorough) {
    for (size_t at = 0; at < CT_MIN(f->whole.len, HEADER); at++) {
        unsigned old = (unsigned char)f->whole.data[at];
        for (int bit = 0; bit < 10; bit++) {
            unsigned value = bit < 8 ? old ^ 1u << bit : bit == 8 ? 0xff : 0;
            if (value == old || (thorough < 2 && below(5))) continue;
            begin(f);
            set_byte(f, at, value);
            judge(f);
        }
        if (thorough < 2 && at % 8 > 0 && at > 64) continue;
        begin(f);
        cut(f, at);
        judge(f);
    }
}

static void fuzz_one(const fuzz_target *target, const char *dir, int thorough, int total[2]) {
    fuzz f = {.target = target, .whole = CT_BUF(LIMIT), .content = CT_BUF(LIMIT), .now = CT_BUF(LIMIT)};
    ct_bytes bytes;
    snprintf(f.path, sizeof f.path, "%s/%s", dir, target->file);
    ct_status status = ct_file_map(f.path, &bytes);
    if (!status) {
        ct_buf_add(&f.whole, bytes.data, bytes.len);
        ct_bytes_free(&bytes);
        status = target->read(f.path, &f.content);
    }
    if (status)
        printf("%s: the whole file is refused: %s\n", target->name, f.content.data ? f.content.data : ct_error());
    f.failed = status != CT_OK;
    if (!status) change_header(&f, thorough);
    for (int i = 0; !status && i < 300 * thorough; i++) {
        begin(&f);
        for (uint64_t edits = 1 + below(3); edits; edits--) damage(&f);
        judge(&f);
    }
    if (!status) {
        begin(&f);
        put(&f);
    }
    printf("%s: %d passed, %d failed\n", target->name, f.passed, f.failed);
    ct_buf_free(&f.whole), ct_buf_free(&f.content), ct_buf_free(&f.now);
    fflush(stdout);
    total[0] += f.passed, total[1] += f.failed;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int main(int argc, char **argv) {
    char dir[] = "/tmp/ctorch-fuzz-XXXXXX";
    int thorough = argc > 1 ? atoi(argv[1]) : 1;
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (!mkdtemp(dir) || fuzz_prepare(dir)) return printf("fuzz: cannot begin: %s\n", ct_error()), 1;
    int total[2] = {0};
    for (int i = 0; i < fuzz_n_targets; i++) fuzz_one(&fuzz_targets[i], dir, thorough, total);
    fuzz_specs(thorough > 1 ? 10000 : 1000, below, total);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    printf("fuzz: %d passed, %d failed\n", total[0], total[1]);
    return total[1] != 0;
}
