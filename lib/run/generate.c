/* Text that a model of text goes on with. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/philox.h"
#include "run/model.h"
#include "run/sample.h"
#include "run/train.h"

typedef struct writing {
    ct_model *model;
    const ct_generate_options *o;
    ct_choice *room;
    ct_philox_key key;
} writing;

/* The one that was made for the last text, where it fits. */
static ct_status get_generator(ct_model *m, bool cached) {
    if (!m->tokenizer.kind)
        return ct_fail(CT_FAIL, "%s: was not trained on text (data: {dataset: text}), so it can write none", m->path);
    if (m->generator && m->generator_asked == cached) {
        ct_generator_clear(m->generator);
        return CT_OK;
    }
    ct_generator_free(m->generator);
    m->generator = NULL, m->generator_asked = cached;
    ct_status status = ct_generator_new(&m->net, cached, &m->generator);
    return status ? ct_fail_in(status, "%s", m->path) : CT_OK;
}

/* Without a prompt a text begins after a line feed, or where that is no token after the first there is. */
static int64_t line_feed(const ct_tokenizer *t) {
    char text[4];
    for (int i = 0; i < t->n; i++)
        if (ct_tokenizer_decode(t, i, text) == 1 && *text == '\n') return i;
    return 0;
}

static ct_tensor *first_tokens(const ct_tokenizer *t, const ct_generate_options *o) {
    ct_tensor *token = o->prompt ? ct_tokenizer_encode(t, o->prompt_name, o->prompt, o->prompt_bytes)
                                 : ct_full(CT_I64, CT_DIMS(1), (double)line_feed(t));
    if (!ct_why(token) && !ct_numel(token))
        return ct_tensor_error(CT_BAD_DATA, "%s: is empty; there is nothing to go on from", o->prompt_name);
    return ct_to(token, CT_I64);
}

/* Uniform, a function of seed, sample and place alone. */
static double uniform(ct_philox_key key, int64_t place) {
    uint32_t w[4];
    ct_philox_block(key, (uint64_t)place, 0, w);
    return (double)(((uint64_t)w[0] << 32 | w[1]) >> 11) * 0x1p-53;
}

static ct_status write_token(const writing *w, int64_t i, const float *score, int64_t *token, bool *more) {
    const ct_generate_options *o = w->o;
    ct_sample_args by = {o->temperature, o->top_k, o->top_p};
    int64_t n = ct_sample_weigh(score, w->model->tokenizer.n, &by, w->room);
    if (!n) return ct_fail(CT_DIVERGED, "%s: its scores are no finite numbers", w->model->path);
    *token = ct_sample_draw(w->room, n, uniform(w->key, i));
    char text[4];
    int bytes = ct_tokenizer_decode(&w->model->tokenizer, *token, text);
    *more = o->text(o->ctx, text, (size_t)bytes);
    return CT_OK;
}

static ct_status read_on(const writing *w, const int64_t *token, int64_t n, const float **score) {
    ct_status status = ct_generator_read(w->model->generator, token, n, score);
    return status ? ct_fail_in(status, "%s", w->model->path) : CT_OK;
}

static ct_status write_text(const writing *w, ct_generate_report *r) {
    ct_tensor *prompt = first_tokens(&w->model->tokenizer, w->o);
    if (ct_why(prompt)) return prompt->status;
    const float *score;
    double start = ct_now();
    r->prompt_tokens = ct_numel(prompt);
    CT_TRY(read_on(w, ct_data(prompt), r->prompt_tokens, &score));
    r->prompt_seconds = ct_now() - start, start += r->prompt_seconds;
    bool more = true;
    for (int64_t token; more && r->tokens < w->o->tokens; r->tokens++) {
        if (r->tokens) CT_TRY(read_on(w, &token, 1, &score));
        CT_TRY(write_token(w, r->tokens, score, &token, &more));
    }
    r->seconds = ct_now() - start;
    return CT_OK;
}

ct_status ct_generate(ct_model *m, const ct_generate_options *o, ct_generate_report *out) {
    *out = (ct_generate_report){0};
    if (!(o->temperature >= 0) || !(o->top_p >= 0 && o->top_p <= 1) || o->top_k < 0 || o->tokens < 1)
        return ct_fail(CT_FAIL,
                       "generate: temperature and top_k are at least 0, top_p is from 0 to 1, tokens is 1 or more");
    CT_TRY(get_generator(m, !o->no_cache));
    out->cached = ct_generator_is_cached(m->generator);
    if (!out->cached && !o->no_cache && o->note)
        o->note(o->ctx, "this model's layers keep nothing of earlier tokens: each one takes a pass over the window");
    writing w = {m, o, ct_alloc((size_t)m->tokenizer.n, sizeof *w.room), ct_philox_make(o->seed, o->sample)};
    ct_scope *scope = w.room ? ct_scope_open() : NULL;
    if (!scope) {
        ct_free(w.room);
        return CT_NO_MEMORY;
    }
    ct_status status = write_text(&w, out), closed = ct_scope_close(scope);
    ct_free(w.room);
    return status ? status : closed;
}
