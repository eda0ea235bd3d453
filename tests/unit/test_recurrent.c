/* The steps of an LSTM and their gradients on each instruction set, against kernels/ref: any number of samples and
   units, either way through time, with and without what an LSTM may lack; v3 and v4, and any threads, the same bits. */
#include "tests/unit/trial.h"

static void forward(const int64_t *s, ct_recurrent_args args) {
    trial t = {0};
    int64_t steps = s[0], n = s[1], h = s[2];
    input(&t, F32(PLAIN, steps, n, 4 * h)), input(&t, F32(PLAIN, 4 * h, h));
    input(&t, F32(PLAIN, n, h)), input(&t, F32(PLAIN, n, h));
    for (int64_t i = 0; i < 4 * h * h; i++) ((float *)t.in[1].data)[i] *= 0.1f; /* so that gates are not all closed */
    output(&t, F32(PLAIN, steps, n, h)), output(&t, F32(PLAIN, steps, n, h)), output(&t, F32(PLAIN, steps, n, 4 * h));
    TRY(lstm_steps, &args, 1e-5);
}

static void backward(const int64_t *s, bool dy, bool dcell, ct_recurrent_args args) {
    trial t = {0};
    int64_t steps = s[0], n = s[1], h = s[2];
    input(&t, dy ? F32(PLAIN, steps, n, h) : absent), input(&t, dcell ? F32(PLAIN, steps, n, h) : absent);
    input(&t, F32(PLAIN, 4 * h, h)), input(&t, F32(PLAIN, n, h)), input(&t, F32(PLAIN, steps, n, h));
    operand *act = positive(&t, F32(PLAIN, steps, n, 4 * h));
    for (int64_t i = 0; i < 4 * h * h; i++) ((float *)t.in[2].data)[i] *= 0.1f;
    for (size_t i = 0; i < act->bytes / 4; i++) ((float *)act->data)[i] /= 4;
    output(&t, F32(PLAIN, steps, n, 4 * h)), output(&t, F32(PLAIN, n, h)), output(&t, F32(PLAIN, n, h));
    TRY(lstm_back, &args, 1e-5);
}

/* Units: fewer than a vector, a part of a task, a few tasks, and sums that are cut into blocks. */
int main(void) {
    static const int64_t shapes[][3] = {{3, 2, 5}, {1, 1, 1}, {4, 33, 32}, {2, 1, 70}, {3, 17, 131}, {2, 5, 400}};
    for (int s = 0; s < CT_COUNT(shapes); s++)
        for (int reverse = 0; reverse < 2; reverse++) {
            ct_recurrent_args args = {.reverse = reverse};
            forward(shapes[s], args);
            backward(shapes[s], true, false, args);
            backward(shapes[s], false, true, args);
            backward(shapes[s], true, true, args);
        }
    return check_done("recurrent");
}
