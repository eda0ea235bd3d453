/* Batches, orders, splits. */
#include "data/loader.h"
#include "data/sampler.h"
#include "tests/unit/check.h"
#include <stdlib.h>

static const double mean[3] = {0.5, 0.25, 0}, std[3] = {0.5, 2, 1};

static void bytes_to_channels_last(void) {
    unsigned char data[2 * 3 * 4];
    int64_t index[] = {1, 0, 1};
    float out[3 * 12];
    ct_normalizer norm;
    for (int i = 0; i < 24; i++) data[i] = (unsigned char)(i * 10);
    ct_scope *scope = ct_scope_open();
    ct_tensor *x = ct_from(CT_U8, CT_DIMS(2, 3, 2, 2), data);
    ct_normalizer_make(mean, std, &norm);
    CHECK(!ct_batch_samples(x, index, 3, &norm, out));
    for (int i = 0; i < 3; i++)
        for (int p = 0; p < 4; p++)
            for (int c = 0; c < 3; c++) {
                float byte = (float)data[index[i] * 12 + c * 4 + p];
                CHECK(out[i * 12 + p * 3 + c] == (byte / 255.0f - (float)mean[c]) / (float)std[c]);
            }
    x = ct_from(CT_U8, CT_DIMS(4, 3, 2), data); /* (N, H, W): one channel */
    CHECK(!ct_batch_samples(x, (int64_t[]){3}, 1, &norm, out));
    for (int i = 0; i < 6; i++) CHECK(out[i] == ((float)data[18 + i] / 255.0f - 0.5f) / 0.5f);
    CHECK(!ct_scope_close(scope));
}

static void floats(void) {
    float data[8], out[8];
    ct_normalizer norm;
    for (int i = 0; i < 8; i++) data[i] = (float)i;
    ct_normalizer_make(mean, std, &norm);
    ct_scope *scope = ct_scope_open();
    CHECK(!ct_batch_samples(ct_from(CT_F32, CT_DIMS(2, 2, 1, 2), data), (int64_t[]){1}, 1, &norm, out));
    CHECK(out[0] == (4 - 0.5f) / 0.5f && out[1] == (6 - 0.25f) / 2 && out[2] == (5 - 0.5f) / 0.5f);
    CHECK(ct_batch_samples(ct_from(CT_F32, CT_DIMS(4, 2), data), (int64_t[]){4}, 1, &norm, out) == CT_FAIL);
    CHECK_HAS(ct_error(), "sample 4 is asked for; there are 4");
    CHECK(ct_batch_samples(ct_from(CT_F32, CT_DIMS(4, 2), data), (int64_t[]){-1}, 1, &norm, out) == CT_FAIL);
    CHECK(ct_batch_samples(ct_zeros(CT_I64, CT_DIMS(4, 2)), (int64_t[]){0}, 1, &norm, out) == CT_FAIL);
    CHECK(!ct_batch_samples(ct_zeros(CT_U8, CT_DIMS(0, 2)), NULL, 0, &norm, out));
    CHECK(!ct_scope_close(scope));
}

/* More than one range of ct_parallel. */
static void large_batch(void) {
    enum { N = 300, SIZE = 784 };
    static unsigned char data[N * SIZE];
    static float out[N * SIZE];
    static int64_t index[N];
    ct_normalizer norm;
    for (int i = 0; i < N * SIZE; i++) data[i] = (unsigned char)(i * 7 + i / 251);
    for (int i = 0; i < N; i++) index[i] = i * 17 % N;
    ct_normalizer_make(mean, std, &norm);
    ct_scope *scope = ct_scope_open();
    CHECK(!ct_batch_samples(ct_from(CT_U8, CT_DIMS(N, 28, 28), data), index, N, &norm, out));
    int wrong = 0;
    for (int i = 0; i < N * SIZE; i++) wrong += out[i] != norm.table[0][data[index[i / SIZE] * SIZE + i % SIZE]];
    CHECK(wrong == 0);
    CHECK(!ct_scope_close(scope));
}

static void label_batches(void) {
    int64_t out[3];
    ct_scope *scope = ct_scope_open();
    CHECK(!ct_batch_numbers(ct_from(CT_U8, CT_DIMS(3), "\1\xC8\3"), (int64_t[]){1, 2, 1}, 3, out));
    CHECK(out[0] == 200 && out[1] == 3 && out[2] == 200);
    CHECK(!ct_batch_numbers(ct_from(CT_I64, CT_DIMS(2), (int64_t[]){5, 6}), (int64_t[]){1}, 1, out));
    CHECK(out[0] == 6);
    CHECK(ct_batch_numbers(ct_from(CT_U8, CT_DIMS(3), "abc"), (int64_t[]){3}, 1, out) == CT_FAIL);
    CHECK(ct_batch_numbers(ct_zeros(CT_F32, CT_DIMS(3)), (int64_t[]){0}, 1, out) == CT_FAIL);
    CHECK(!ct_scope_close(scope));
}

static void orders(void) {
    int64_t a[100], b[100], seen[100] = {0};
    ct_epoch_order(1, 0, 100, a);
    for (int i = 0; i < 100; i++) seen[a[i]]++;
    for (int i = 0; i < 100; i++) CHECK(seen[i] == 1);
    ct_epoch_order(1, 0, 100, b);
    CHECK(!memcmp(a, b, sizeof a));
    ct_epoch_order(1, 1, 100, b);
    CHECK(memcmp(a, b, sizeof a));
    ct_epoch_order(2, 0, 100, b);
    CHECK(memcmp(a, b, sizeof a));
}

static void validation(void) {
    int64_t labels[100], train[100], held[100], n_train, n_held, count[4] = {0};
    bool seen[100] = {false};
    for (int i = 0; i < 100; i++) labels[i] = i < 50 ? 0 : i < 98 ? 1 : i == 98 ? 2 : 3; /* 50, 48, 1, 1 */
    ct_scope *scope = ct_scope_open();
    ct_tensor *y = ct_from(CT_I64, CT_DIMS(100), labels);
    CHECK(!ct_split_validation(y, 100, 0.1, 3, train, &n_train, held, &n_held));
    CHECK(n_train == 90 && n_held == 10);
    for (int i = 0; i < n_held; i++) count[labels[held[i]]]++, seen[held[i]] = true;
    CHECK(count[0] == 5 && count[1] == 5 && !count[2] && !count[3]); /* never all of a class */
    for (int i = 0; i < n_train; i++) CHECK(!seen[train[i]] && (!i || train[i] > train[i - 1]));
    int64_t again[100], n_again;
    CHECK(!ct_split_validation(y, 100, 0.1, 3, train, &n_train, again, &n_again));
    CHECK(!memcmp(again, held, sizeof *held * 10));
    CHECK(!ct_split_validation(y, 100, 0.1, 4, train, &n_train, again, &n_again));
    CHECK(memcmp(again, held, sizeof *held * 10));
    CHECK(!ct_split_validation(y, 100, 0.001, 3, train, &n_train, held, &n_held));
    CHECK(n_held == 2); /* one of each class that has two */
    CHECK(!ct_split_validation(y, 100, 0, 3, train, &n_train, held, &n_held));
    CHECK(n_train == 100 && n_held == 0);
    CHECK(!ct_split_validation(NULL, 100, 0.25, 3, train, &n_train, held, &n_held));
    CHECK(n_train == 75 && n_held == 25);
    labels[5] = -1;
    CHECK(ct_split_validation(ct_from(CT_I64, CT_DIMS(100), labels), 100, 0.25, 3, train, &n_train, held, &n_held) ==
          CT_BAD_DATA);
    CHECK(!ct_scope_close(scope));
}

/* 80, 15 and 5 of three classes, and none of a fourth. */
static void balanced(void) {
    enum { N = 9000 };
    static int64_t labels[N], from[N], out[N], again[N];
    int64_t count[4] = {0}, twice[N] = {0}, most = 0, n = 0;
    for (int i = 0; i < N; i++) labels[i] = i % 20 == 0 ? 3 : i % 20 < 4 ? 1 : 0;
    for (int i = 0; i < N; i += 2) from[n++] = i;
    ct_scope *scope = ct_scope_open();
    ct_tensor *y = ct_from(CT_I64, CT_DIMS(N), labels);
    CHECK(!ct_sample_balanced(y, 4, from, n, 1, 0, out));
    for (int i = 0; i < n; i++) {
        CHECK(out[i] % 2 == 0);
        count[labels[out[i]]]++, twice[out[i]]++;
    }
    for (int i = 0; i < N; i += 20) most = CT_MAX(most, twice[i]);
    CHECK(count[2] == 0 && most < 20); /* 450 samples of class 3 share 1500 draws */
    for (int c = 0; c < 4; c++) CHECK(c == 2 || llabs(count[c] - n / 3) < 150);
    CHECK(!ct_sample_balanced(y, 4, from, n, 1, 0, again) && !memcmp(out, again, (size_t)n * sizeof *out));
    CHECK(!ct_sample_balanced(y, 4, from, n, 1, 1, again) && memcmp(out, again, (size_t)n * sizeof *out));
    CHECK(ct_sample_balanced(y, 3, from, n, 1, 0, out) == CT_BAD_DATA);
    CHECK(!ct_scope_close(scope));
}

int main(void) {
    RUN(balanced);
    RUN(bytes_to_channels_last);
    RUN(floats);
    RUN(large_batch);
    RUN(label_batches);
    RUN(orders);
    RUN(validation);
    return check_done("loader");
}
