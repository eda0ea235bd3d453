/* Language models read on: the same scores with and without a cache as of the whole sequence, and draws by weight. */
#include "base/philox.h"
#include "check.h"
#include "run/generator.h"
#include "run/sample.h"
#include "run/step.h"
#include <stdlib.h>

#define LENGTH 16
#define VOCAB 11

static const char data_text[] = "data: {dataset: random, shape: [16], vocab: 11}\n"
                                "loss: cross_entropy\noptimizer: {sgd: {lr: 0.1}}\n";
#define GPT(positions)                                                                                        \
    "model:\n"                                                                                                \
    "  - embedding: {num_embeddings: 11, embedding_dim: 8}\n"                                                 \
    "  - " positions "\n"                                                                                     \
    "  - residual: [layer_norm, multi_head_attention: {num_heads: 2, batch_first: true, is_causal: true}]\n"  \
    "  - residual: [rms_norm, linear: 16, gelu, dropout: 0.3, linear: 8]\n"                                   \
    "  - residual: [multi_head_attention: {num_heads: 4, batch_first: true, is_causal: true, bias: false}]\n" \
    "  - linear: 11\n"
#define ENCODER(more)                                                                             \
    "model:\n"                                                                                    \
    "  - embedding: {num_embeddings: 11, embedding_dim: 8}\n"                                     \
    "  - positions: sinusoidal\n"                                                                 \
    "  - transformer_encoder_layer: {nhead: 2, dim_feedforward: 16, batch_first: true" more "}\n" \
    "  - linear: 11\n"
#define RECURRENT(layer) "model: [embedding: {num_embeddings: 11, embedding_dim: 8}, " layer ", linear: 11]\n"

typedef struct language {
    ct_spec *spec;
    ct_net net;
    int64_t token[3 * LENGTH];
} language;

static bool language_open(const char *model, language *l) {
    char text[2048], *messages = NULL;
    ct_fields fields;
    ct_philox_key key = ct_philox_make(5, 6);
    *l = (language){0};
    snprintf(text, sizeof text, "%s%s", data_text, model);
    bool ok = CHECK(ct_spec_parse("lm", text, strlen(text), NULL, &l->spec, &messages) == CT_OK);
    if (messages) printf("%s", messages);
    ct_text_free(messages);
    ok = ok && CHECK(ct_random_fields(&l->spec->data, &fields) == CT_OK) &&
         CHECK(ct_net_build(l->spec, &fields, NULL, NULL, &l->net) == CT_OK);
    for (int i = 0; i < 3 * LENGTH; i++) {
        uint32_t w[4];
        ct_philox_block(key, (uint64_t)i, 0, w);
        l->token[i] = w[0] % VOCAB;
    }
    return ok;
}

static void language_close(language *l) {
    ct_net_free(&l->net);
    ct_spec_free(l->spec);
}

static double distance(const float *a, const float *b) {
    double worst = 0;
    for (int i = 0; i < VOCAB; i++) worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
    return worst;
}

/* Token after token, each score against its row of the whole sequence's. */
static void like_whole(const char *model) {
    language l;
    ct_generator *g = NULL;
    ct_step *whole = NULL;
    ct_step_result r;
    bool ok = language_open(model, &l) && CHECK(ct_step_new(&l.net, NULL, 1, true, &whole) == CT_OK) &&
              CHECK(ct_generator_new(&l.net, true, &g) == CT_OK) && CHECK(ct_generator_is_cached(g));
    if (ok) memcpy(ct_step_field(whole, 0), l.token, LENGTH * sizeof *l.token);
    ok = ok && CHECK(ct_step_eval(whole, 1, false, &r) == CT_OK);
    for (int again = 0; ok && again < 2; again++) {
        double worst = 0;
        for (int i = 0; i < LENGTH; i++) {
            const float *score = NULL;
            if (!CHECK(ct_generator_read(g, l.token + i, 1, &score) == CT_OK)) break;
            worst = fmax(worst, distance(score, r.output + i * VOCAB));
        }
        CHECK_NEAR(worst, 0, 1e-5);
        ct_generator_clear(g);
    }
    ct_generator_free(g);
    ct_step_free(whole);
    language_close(&l);
}

/* Beyond the window, a few tokens at a time; `bounded`: without a cache too, which sees the same window. */
static void like_uncached(const char *model, bool cached, bool bounded) {
    static const int at_once[] = {1, 7, 8, 1, 3, 20, 1, 1, 6};
    language l;
    ct_generator *g = NULL, *one = NULL, *plain = NULL;
    bool ok = language_open(model, &l) && CHECK(ct_generator_new(&l.net, true, &g) == CT_OK) &&
              CHECK(ct_generator_new(&l.net, true, &one) == CT_OK) &&
              CHECK(ct_generator_new(&l.net, false, &plain) == CT_OK) && CHECK(ct_generator_is_cached(g) == cached) &&
              CHECK(!ct_generator_is_cached(plain));
    for (int k = 0, at = 0; ok && k < CT_COUNT(at_once); at += at_once[k++]) {
        const float *score[3] = {0};
        ok = CHECK(ct_generator_read(g, l.token + at, at_once[k], &score[0]) == CT_OK) &&
             CHECK(ct_generator_read(plain, l.token + at, at_once[k], &score[1]) == CT_OK);
        for (int i = 0; ok && i < at_once[k]; i++)
            ok = CHECK(ct_generator_read(one, l.token + at + i, 1, &score[2]) == CT_OK);
        if (ok && bounded) CHECK_NEAR(distance(score[0], score[1]), 0, 1e-5);
        if (ok) CHECK_NEAR(distance(score[0], score[2]), 0, 1e-5);
    }
    ct_generator_free(g), ct_generator_free(one), ct_generator_free(plain);
    language_close(&l);
}

static void with_cache(void) {
    static const char *const windows[] = {
        GPT("positions"), GPT("positions: rotary"), GPT("positions: {kind: sinusoidal, base: 500}"),
        ENCODER(", is_causal: true"), ENCODER(", is_causal: true, norm_first: true, activation: gelu, bias: false")};
    static const char *const states[] = {
        RECURRENT("lstm: {hidden_size: 6, num_layers: 2, batch_first: true}"),
        RECURRENT("gru: {hidden_size: 6, batch_first: true}"),
        RECURRENT("rnn: {hidden_size: 6, batch_first: true, bias: false}"),
        RECURRENT("{tanh: , name: a}, {sigmoid: , name: b}, {concat: {dim: -1}, inputs: [b, a]}")};
    for (int i = 0; i < CT_COUNT(windows); i++) like_whole(windows[i]), like_uncached(windows[i], true, true);
    for (int i = 0; i < CT_COUNT(states); i++) like_whole(states[i]), like_uncached(states[i], true, false);
}

/* What looks ahead, or along the sequence in a way that nothing is known of, is computed whole. */
static void without_cache(void) {
    static const char *const models[] = {ENCODER(""),
                                         RECURRENT("lstm: {hidden_size: 6, batch_first: true, bidirectional: true}"),
                                         RECURRENT("softmax: 1"), RECURRENT("layer_norm, cumsum: 1"),
                                         RECURRENT("positions: {kind: rotary, dim: -2}, flip: [1]")};
    for (int i = 0; i < CT_COUNT(models); i++) like_uncached(models[i], false, true);
}

/* Such a model sees the last tokens, as many as fit, however many came before. */
static void last_tokens(void) {
    language l;
    ct_generator *g = NULL, *other = NULL;
    const float *a, *b;
    if (language_open(ENCODER(""), &l) && CHECK(ct_generator_new(&l.net, true, &g) == CT_OK) &&
        CHECK(ct_generator_new(&l.net, true, &other) == CT_OK)) {
        CHECK(ct_generator_read(g, l.token, LENGTH + 3, &a) == CT_OK);
        CHECK(ct_generator_read(g, l.token + LENGTH + 3, 2, &a) == CT_OK);
        CHECK(ct_generator_read(other, l.token + 5, LENGTH, &b) == CT_OK);
        CHECK(distance(a, b) == 0);
    }
    ct_generator_free(g), ct_generator_free(other);
    language_close(&l);
}

/* The shelf's language models keep something of earlier tokens. */
static void of_shelf(void) {
    static const char *const shelf[] = {"specs/gpt-nano.yaml", "specs/gpt-shakespeare.yaml", "specs/lstm-lm.yaml"};
    const char *const set[] = {"data={dataset: random, shape: [64], vocab: 65}", NULL};
    for (int i = 0; i < CT_COUNT(shelf); i++) {
        language l = {0};
        ct_fields fields;
        ct_generator *g = NULL;
        const float *score;
        if (CHECK(ct_spec_load(shelf[i], set, &l.spec, NULL) == CT_OK) &&
            CHECK(ct_random_fields(&l.spec->data, &fields) == CT_OK) &&
            CHECK(ct_net_build(l.spec, &fields, NULL, NULL, &l.net) == CT_OK) &&
            CHECK(ct_generator_new(&l.net, true, &g) == CT_OK) && CHECK(ct_generator_is_cached(g)))
            CHECK(ct_generator_read(g, l.token, 3, &score) == CT_OK);
        ct_generator_free(g);
        language_close(&l);
    }
}

static void refusals(void) {
    language l;
    ct_generator *g = NULL;
    const float *score;
    if (language_open("model: [embedding: {num_embeddings: 11, embedding_dim: 8}, transpose: {dim0: 1, dim1: 2}, "
                      "linear: 16, transpose: {dim0: 1, dim1: 2}, linear: 11]\n",
                      &l)) {
        CHECK(ct_generator_new(&l.net, true, &g) == CT_OK && !ct_generator_is_cached(g));
        CHECK(ct_generator_read(g, l.token, 3, &score) == CT_FAIL);
        CHECK_HAS(ct_error(), "the model was made for 16 tokens and cannot read 3: ");
        CHECK(ct_generator_read(g, l.token, 13, &score) == CT_OK); /* 16 by now */
        ct_generator_free(g);
    }
    language_close(&l);
    if (language_open(RECURRENT("relu"), &l)) {
        l.net.scores = -1;
        CHECK(ct_generator_new(&l.net, true, &g) == CT_FAIL);
        CHECK_HAS(ct_error(), "is no language model: it gives no scores");
        l.net.fields.of[0].layout.dtype = CT_F32;
        CHECK(ct_generator_new(&l.net, true, &g) == CT_FAIL);
        CHECK_HAS(ct_error(), "is no language model: its input is no sequence of tokens");
    }
    language_close(&l);
}

/* ---- draws ---- */
static const float scores[] = {0, 2, -1, 2, 1, -INFINITY};
#define N CT_COUNT(scores)

static int64_t weigh(double temperature, int64_t top_k, double top_p, ct_choice *c) {
    return ct_sample_weigh(scores, N, &(ct_sample_args){temperature, top_k, top_p}, c);
}

static void limits(void) {
    ct_choice c[N];
    double e = exp(1), all = 2 * e * e + e + 1 + 1 / e;
    CHECK(weigh(0, 0, 1, c) == 1 && c[0].token == 1 && c[0].weight == 1);
    CHECK(weigh(1, 0, 1, c) == 5 && c[0].token == 1 && c[1].token == 3 && c[2].token == 4 && c[4].token == 2);
    CHECK_NEAR(c[0].weight, e * e / all, 1e-12);
    CHECK_NEAR(c[4].weight, 1 / e / all, 1e-12);
    CHECK(weigh(1, 3, 1, c) == 3 && c[2].token == 4);
    CHECK_NEAR(c[2].weight, e / (2 * e * e + e), 1e-12);
    CHECK(weigh(0.5, 4, 1, c) == 4 && c[3].token == 0);
    CHECK_NEAR(c[3].weight / c[0].weight, exp(-4), 1e-12);
    CHECK(weigh(1, 2, 1, c) == 2 && c[0].token == 1 && c[1].token == 3);
    CHECK(weigh(1, 1, 1, c) == 1 && c[0].token == 1);
    CHECK(weigh(1, 0, 0.5, c) == 2);
    CHECK_NEAR(c[0].weight + c[1].weight, 1, 1e-12);
    CHECK(weigh(1, 3, 0.9, c) == 3 && weigh(1, 0, 0.01, c) == 1 && weigh(1e-9, 0, 1, c) == 2);
    CHECK(ct_sample_weigh((float[]){1, NAN}, 2, &(ct_sample_args){1, 0, 1}, c) == 0);
    CHECK(ct_sample_weigh((float[]){-INFINITY, -INFINITY}, 2, &(ct_sample_args){1, 0, 1}, c) == 0);
}

/* As many of each as their probabilities say, and the k best of many the same as sorting finds. */
static void many(void) {
    enum { DRAWS = 200000, MANY = 500 };
    ct_choice c[N], best[MANY], sorted[MANY];
    int count[N] = {0};
    float score[MANY];
    int64_t n = weigh(0.8, 0, 0.97, c);
    for (int i = 0; i < DRAWS; i++) count[ct_sample_draw(c, n, (i + 0.5) / DRAWS)]++;
    for (int64_t i = 0; i < n; i++) CHECK_NEAR((double)count[c[i].token] / DRAWS, c[i].weight, 1.5 / DRAWS);
    CHECK(n == 4 && !count[2] && !count[5]);
    CHECK(ct_sample_draw(c, n, 0) == 1 && ct_sample_draw(c, n, 1 - 0x1p-53) == 0);
    for (int i = 0; i < MANY; i++) score[i] = (float)(i * 7919 % 101);
    ct_sample_weigh(score, MANY, &(ct_sample_args){1, 0, 1}, sorted);
    for (int64_t k = 1; k < 40; k += 6) {
        CHECK(ct_sample_weigh(score, MANY, &(ct_sample_args){1, k, 1}, best) == k);
        for (int64_t i = 0; i < k; i++) CHECK(best[i].token == sorted[i].token);
    }
}

int main(void) {
    RUN(with_cache);
    RUN(without_cache);
    RUN(last_tokens);
    RUN(of_shelf);
    RUN(refusals);
    RUN(limits);
    RUN(many);
    return check_done("generate");
}
