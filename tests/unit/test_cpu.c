/* Each kernel of kernels/cpu, for each instruction set that this processor has, against kernels/ref; at 1, 2 and 3
   threads with the same bits; and v3 against v4 with the same bits. */
#include "tests/unit/trial.h"
#include <dirent.h>

static void test_sum(void) {
    trial t = {0};
    static const int64_t shapes[][4] = {{3, 4, 5, 6},    {1, 1, 1, 70000}, {130, 100, 2, 2}, {2, 70, 9, 17},
                                        {5000, 1, 1, 3}, {1, 33, 1, 3000}, {64, 64, 24, 24}};
    static const ct_dims dims[] = {{0, {0}}, {1, {1}}, {2, {0, 2}}, {3, {0, 2, 3}}, {2, {-1, 1}}, {1, {0}}};
    for (int s = 0; s < 7; s++)
        for (int d = 0; d < 6; d++)
            for (int order = PLAIN; order <= SWAPPED; order++)
                for (int keep = 0; keep < 2; keep++) {
                    ct_reduce_args args = {.dim = dims[d], .keepdim = keep};
                    int64_t size[4];
                    int n = 0;
                    for (int i = 0; i < 4; i++) {
                        int gone = dims[d].n == 0;
                        for (int j = 0; j < dims[d].n; j++) gone |= (dims[d].v[j] + 4) % 4 == i;
                        if (gone && keep) size[n++] = 1;
                        if (!gone) size[n++] = shapes[s][i];
                    }
                    if (s == 6 && (d < 3 || keep)) continue;
                    positive(&t, layout(CT_F32, order, 4, shapes[s]));
                    output(&t, layout(CT_F32, keep ? order : PLAIN, n, size));
                    if (order == PLAIN || keep || d == 0 || d == 3)
                        TRY(sum, &args, 1e-5);
                    else
                        end(&t);
                }
}

static void test_softmax(void) {
    trial t = {0};
    static const int64_t shapes[][3] = {{3, 4, 5}, {2, 1, 7}, {33, 10, 1}, {5, 1000, 3}, {300, 17, 70}};
    for (int s = 0; s < 5; s++)
        for (int64_t dim = -1; dim < 3; dim++)
            for (int order = PLAIN; order <= LAST; order++)
                for (int log = 0; log < 2; log++) {
                    ct_dim_args args = {dim};
                    operand *x = input(&t, layout(CT_F32, order, 3, shapes[s]));
                    ((float *)x->data)[1] = 95;
                    output(&t, x->l);
                    if (log)
                        TRY(log_softmax, &args, 1e-5);
                    else
                        TRY(softmax, &args, 1e-5);
                }
}

static void test_copy(void) {
    trial t = {0};
    static const int64_t shapes[][4] = {{2, 3, 5, 7}, {1, 64, 12, 12}, {3, 17, 9, 11}, {2, 33, 4, 8}, {1, 16, 1, 47}};
    for (int s = 0; s < CT_COUNT(shapes); s++)
        for (int from = PLAIN; from <= SWAPPED; from++)
            for (int to = PLAIN; to <= SWAPPED; to++) {
                input(&t, layout(CT_F32, from, 4, shapes[s])), output(&t, layout(CT_F32, to, 4, shapes[s]));
                TRY(copy, NULL, 0);
            }
}

static void one_matmul(int order_a, int order_b, ct_layout a, ct_layout b, ct_layout y) {
    trial t = {0};
    input(&t, layout(CT_F32, order_a, a.ndim, a.size)), input(&t, layout(CT_F32, order_b, b.ndim, b.size));
    output(&t, y);
    TRY(matmul, NULL, 1e-5);
}

static void test_matmul(void) {
    trial t = {0};
    for (int a = PLAIN; a <= SWAPPED; a += SWAPPED)
        for (int b = PLAIN; b <= SWAPPED; b += SWAPPED)
            for (int y = PLAIN; y <= SWAPPED; y += SWAPPED) {
                one_matmul(a, b, F32(PLAIN, 4, 5), F32(PLAIN, 5, 3), F32(y, 4, 3));
                one_matmul(a, b, F32(PLAIN, 100, 130), F32(PLAIN, 130, 70), F32(y, 100, 70));
                one_matmul(a, b, F32(PLAIN, 1, 9), F32(PLAIN, 9, 5), F32(y, 1, 5));
                one_matmul(a, b, F32(PLAIN, 7, 9), F32(PLAIN, 9, 1), F32(y, 7, 1));
                one_matmul(a, b, F32(PLAIN, 7, 1), F32(PLAIN, 1, 6), F32(y, 7, 6));
                one_matmul(a, b, F32(PLAIN, 2, 4, 5), F32(PLAIN, 5, 3), F32(y, 2, 4, 3));
                one_matmul(a, b, F32(PLAIN, 2, 1, 4, 5), F32(PLAIN, 3, 5, 2), F32(y, 2, 3, 4, 2));
                one_matmul(a, b, F32(PLAIN, 4, 5), F32(PLAIN, 3, 5, 2), F32(y, 3, 4, 2));
            }
    one_matmul(PLAIN, PLAIN, F32(PLAIN, 5), F32(PLAIN, 5), number);
    one_matmul(PLAIN, PLAIN, F32(PLAIN, 4, 5), F32(PLAIN, 5), F32(PLAIN, 4));
    one_matmul(PLAIN, PLAIN, F32(PLAIN, 5), F32(PLAIN, 5, 2), F32(PLAIN, 2));
    one_matmul(PLAIN, PLAIN, F32(PLAIN, 5), F32(PLAIN, 3, 5, 2), F32(PLAIN, 3, 2));
    one_matmul(PLAIN, PLAIN, F32(PLAIN, 3, 4, 5), F32(PLAIN, 5), F32(PLAIN, 3, 4));
    for (int w = PLAIN; w <= SWAPPED; w += SWAPPED)
        for (int bias = 0; bias < 2; bias++) {
            input(&t, F32(PLAIN, 3, 2, 50)), input(&t, F32(w, 40, 50)), input(&t, bias ? F32(PLAIN, 40) : absent);
            output(&t, F32(PLAIN, 3, 2, 40));
            TRY(linear, NULL, 1e-5);
            input(&t, F32(PLAIN, 64, 784)), input(&t, F32(w, 128, 784)), input(&t, bias ? F32(PLAIN, 128) : absent);
            output(&t, F32(PLAIN, 64, 128));
            TRY(linear, NULL, 1e-5);
            input(&t, F32(PLAIN, 9)), input(&t, F32(w, 5, 9)), input(&t, bias ? F32(PLAIN, 5) : absent);
            output(&t, F32(PLAIN, 5));
            TRY(linear, NULL, 1e-5);
        }
}

typedef struct shape {
    int64_t n, c, h, w, o, kh, kw, stride[2], padding[2], dilation[2], groups;
} shape;

static void one_conv(const shape *s, int order_x, int order_y) {
    trial t = {0};
    int64_t groups = s->groups;
    int64_t oh = (s->h + 2 * s->padding[0] - s->dilation[0] * (s->kh - 1) - 1) / s->stride[0] + 1;
    int64_t ow = (s->w + 2 * s->padding[1] - s->dilation[1] * (s->kw - 1) - 1) / s->stride[1] + 1;
    ct_conv2d_args args = {
        {s->stride[0], s->stride[1]}, {s->padding[0], s->padding[1]}, {s->dilation[0], s->dilation[1]}, groups};
    ct_layout x = F32(order_x, s->n, s->c, s->h, s->w), y = F32(order_y, s->n, s->o, oh, ow);
    ct_layout w = F32(PLAIN, s->o, s->c / groups, s->kh, s->kw);
    for (int bias = 0; bias < 2; bias++) {
        input(&t, x), input(&t, w), input(&t, bias ? F32(PLAIN, s->o) : absent), output(&t, y);
        TRY(conv2d_, &args, 5e-6);
    }
    ct_conv2d_back_args back = {{s->stride[0], s->stride[1]},
                                {s->padding[0], s->padding[1]},
                                {s->dilation[0], s->dilation[1]},
                                groups,
                                CT_DIMS(s->n, s->c, s->h, s->w)};
    input(&t, y), input(&t, w), output(&t, x);
    TRY(conv2d_dx, &back, 5e-6);
    back.size = CT_DIMS(s->o, s->c / groups, s->kh, s->kw);
    input(&t, y), input(&t, x), output(&t, w);
    TRY(conv2d_dw, &back, 1e-5);
}

/* Threads of this process. */
static int threads_alive(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

static void test_conv(void) {
    static const shape shapes[] = {
        {2, 4, 6, 7, 6, 3, 2, {1, 1}, {1, 1}, {1, 1}, 1},       {3, 1, 28, 28, 32, 3, 3, {1, 1}, {0, 0}, {1, 1}, 1},
        {2, 3, 9, 8, 5, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},       {2, 5, 7, 7, 7, 3, 3, {1, 1}, {2, 1}, {2, 1}, 1},
        {3, 17, 12, 9, 20, 1, 1, {1, 1}, {0, 0}, {1, 1}, 1},    {2, 8, 8, 8, 8, 1, 1, {2, 2}, {0, 0}, {1, 1}, 1},
        {2, 16, 14, 14, 33, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},   {5, 32, 26, 26, 64, 3, 3, {1, 1}, {0, 0}, {1, 1}, 1},
        {1, 64, 5, 6, 48, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},     {1, 3, 30, 31, 16, 7, 7, {2, 3}, {3, 3}, {1, 1}, 1},
        {2, 19, 4, 4, 21, 3, 3, {1, 1}, {1, 0}, {1, 1}, 1},     {9, 196, 4, 4, 176, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
        {7, 96, 7, 8, 100, 3, 3, {1, 1}, {0, 2}, {1, 1}, 1},    {1, 40, 1, 1, 24, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
        {3, 8, 9, 8, 12, 3, 3, {2, 1}, {1, 1}, {1, 1}, 4},      {2, 16, 7, 7, 16, 3, 3, {1, 1}, {1, 1}, {1, 1}, 16},
        {19, 20, 9, 9, 12, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},    {3, 3, 17, 13, 40, 5, 4, {2, 1}, {2, 0}, {1, 2}, 1},
        {2, 1, 1, 400, 70, 1, 25, {1, 4}, {0, 30}, {1, 1}, 1},  {2, 8, 5, 4, 9, 3, 3, {1, 1}, {4, 4}, {1, 1}, 1},
        {2, 83, 9, 11, 83, 3, 5, {2, 3}, {1, 2}, {1, 1}, 83},   {1, 7, 6, 6, 7, 3, 3, {1, 1}, {2, 2}, {2, 2}, 7},
        {2, 144, 5, 5, 144, 5, 5, {1, 2}, {2, 5}, {1, 1}, 144}, {2, 6, 7, 7, 12, 3, 3, {1, 1}, {1, 1}, {1, 1}, 6},
        {2, 24, 8, 7, 36, 1, 1, {1, 1}, {0, 0}, {1, 1}, 3},     {1, 24, 8, 7, 36, 1, 1, {3, 2}, {0, 0}, {1, 1}, 3},
        {1, 128, 6, 6, 256, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},   {2, 40, 9, 35, 34, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},
        {1, 70, 9, 30, 50, 3, 3, {1, 1}, {1, 4}, {2, 1}, 1},    {2, 18, 5, 17, 24, 1, 1, {1, 2}, {0, 0}, {1, 1}, 1},
        {2, 16, 9, 35, 34, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},    {3, 16, 5, 9, 16, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
        {9, 16, 14, 13, 16, 3, 3, {1, 1}, {2, 0}, {1, 1}, 1},   {3, 64, 9, 13, 64, 3, 3, {1, 1}, {0, 2}, {1, 1}, 1},
        {7, 80, 17, 33, 24, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},   {2, 210, 7, 6, 20, 3, 3, {2, 1}, {1, 2}, {2, 1}, 1},
        {3, 150, 5, 5, 130, 3, 3, {2, 2}, {1, 1}, {1, 1}, 2},   {5, 300, 4, 4, 40, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},
        {9, 19, 15, 32, 35, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},   {33, 64, 8, 7, 48, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},
        {5, 16, 23, 24, 16, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},   {9, 160, 8, 8, 200, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1}};
    for (int s = 0; s < CT_COUNT(shapes); s++) {
        one_conv(&shapes[s], LAST, LAST);
        one_conv(&shapes[s], PLAIN, LAST);
        one_conv(&shapes[s], LAST, PLAIN);
    }
    static const shape large[] = {
        {1, 16, 182, 181, 16, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1}, /* streamed past the caches */
        {131, 120, 8, 8, 250, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1}, /* in several blocks of Winograd's */
        {61, 120, 8, 8, 256, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},  /* whose gradient of w packs as it transforms */
        {57, 120, 8, 7, 128, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
        {3, 32, 60, 58, 48, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1}, /* or is made in slices */
        {3, 16, 60, 61, 34, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1}};
    for (int s = 0; s < CT_COUNT(large); s++) one_conv(&large[s], LAST, LAST);
    CHECK(threads_alive() <= 7); /* the pool's and no others */
}

/* One row of one image whose many channels are shared out: each thread has a place of its own. */
static void test_conv_room(void) {
    ct_layout in[] = {F32(LAST, 1, 32, 1, 16), F32(PLAIN, 512, 32, 5, 5), absent}, y = F32(LAST, 1, 512, 1, 16);
    ct_conv2d_args args = {.stride = {1, 1}, .padding = {2, 2}, .dilation = {1, 1}, .groups = 1};
    ct_call call = {CT_OP_conv2d_, 3, 1, in, &y, .args = &args};
    for (const ct_backend_choice *c = ct_backends_cpu; c->backend; c++) {
        const ct_kernel *k = c->backend->kernel[CT_OP_conv2d_];
        size_t bytes[2];
        if (!c->runs()) continue;
        for (int many = 0; many < 2; many++) {
            void *state;
            ct_set_threads(many ? 4 : 1);
            if (CHECK(k->prepare(&call, &state, &bytes[many]) == CT_OK)) k->release(state);
        }
        if (!CHECK(bytes[1] > bytes[0])) printf("    on %s: %zu, %zu\n", c->backend->name, bytes[0], bytes[1]);
    }
}

static void one_pool(int order, ct_max_pool2d_args a, int64_t n, int64_t c, int64_t h, int64_t w) {
    trial t = {0};
    int64_t size[2] = {h, w}, out[2];
    for (int d = 0; d < 2; d++) {
        int64_t step = a.stride[d] ? a.stride[d] : a.kernel_size[d];
        int64_t room = size[d] + 2 * a.padding[d] - a.dilation[d] * (a.kernel_size[d] - 1) - 1;
        out[d] = (room + (a.ceil_mode ? step - 1 : 0)) / step + 1;
        if (a.ceil_mode && (out[d] - 1) * step >= size[d] + a.padding[d]) out[d]--;
    }
    operand *x = input(&t, F32(order, n, c, h, w));
    for (size_t i = 0; i < x->bytes / 4; i++) ((float *)x->data)[i] = (float)(next_random() % 9); /* many are equal */
    ((float *)x->data)[3] = NAN;
    output(&t, F32(order, n, c, out[0], out[1])), output(&t, I64(order, n, c, out[0], out[1]));
    TRY(max_pool2d_, &a, 0);
    ct_size_args back = {CT_DIMS(n, c, h, w)};
    input(&t, F32(order, n, c, out[0], out[1])), integers(&t, I64(order, n, c, out[0], out[1]), h * w);
    output(&t, F32(order, n, c, h, w));
    TRY(pool_scatter, &back, 1e-6);
}

static void test_pool(void) {
    for (int order = PLAIN; order <= LAST; order++) {
        one_pool(order, (ct_max_pool2d_args){{2, 2}, {0, 0}, {0, 0}, {1, 1}, false}, 2, 3, 8, 9);
        one_pool(order, (ct_max_pool2d_args){{3, 3}, {2, 2}, {1, 1}, {1, 1}, false}, 2, 70, 8, 9);
        one_pool(order, (ct_max_pool2d_args){{2, 2}, {2, 2}, {0, 0}, {1, 1}, true}, 1, 2, 7, 7);
        one_pool(order, (ct_max_pool2d_args){{2, 3}, {1, 2}, {1, 1}, {2, 1}, false}, 1, 17, 9, 10);
        one_pool(order, (ct_max_pool2d_args){{2, 2}, {2, 2}, {0, 0}, {1, 1}, false}, 6, 64, 24, 24);
    }
    trial t = {0};
    ct_size_args back = {CT_DIMS(1, 2, 3, 3)};
    input(&t, F32(PLAIN, 1, 2, 1, 1)), integers(&t, I64(PLAIN, 1, 2, 1, 1), 9);
    ((int64_t *)t.in[1].data)[1] = 9; /* there is no such place: said, and left out */
    output(&t, F32(PLAIN, 1, 2, 3, 3));
    TRY(pool_scatter, &back, 0);
}

/* A window that lies in the padding alone has an index of its plane all the same; a place before it is none. */
static void test_pool_edges(void) {
    trial t = {0};
    ct_size_args back = {CT_DIMS(1, 2, 3, 3)};
    for (int order = PLAIN; order <= LAST; order++)
        for (int64_t size = 2; size < 5; size++)
            one_pool(order, (ct_max_pool2d_args){{2, 2}, {1, 1}, {1, 1}, {size + 1, size + 1}, false}, 2, 3, size,
                     size);
    input(&t, F32(PLAIN, 1, 2, 1, 1)), integers(&t, I64(PLAIN, 1, 2, 1, 1), 9);
    ((int64_t *)t.in[1].data)[1] = -1;
    output(&t, F32(PLAIN, 1, 2, 3, 3));
    TRY(pool_scatter, &back, 0);
}

static void test_norm(void) {
    trial t = {0};
    static const int64_t shapes[][4] = {{4, 6, 1, 1},   {3, 6, 4, 5},    {300, 70, 1, 1},
                                        {9, 130, 7, 6}, {64, 3, 30, 30}, {2, 64, 64, 65}};
    ct_batch_norm_args args = {true, 0.1, 1e-5};
    for (int s = 0; s < CT_COUNT(shapes); s++)
        for (int order = PLAIN; order <= LAST; order++)
            for (int affine = 0; affine < 2; affine++) {
                int n = shapes[s][3] == 1 ? 2 : 4;
                ct_layout x = layout(CT_F32, order, n, shapes[s]), c = F32(PLAIN, shapes[s][1]),
                          w = affine ? c : absent;
                operand *in = input(&t, x);
                for (size_t i = 0; i < in->bytes / 4; i++) ((float *)in->data)[i] += 50; /* far from 0 */
                input(&t, affine ? c : absent), affine ? positive(&t, c) : input(&t, absent), input(&t, w),
                    input(&t, w);
                output(&t, x);
                for (int i = 0; i < 4; i++) output(&t, i < 2 && !affine ? absent : c);
                TRY(batch_norm_train, &args, 2e-5);
                input(&t, x), input(&t, x), input(&t, c), positive(&t, c), input(&t, w);
                output(&t, x), output(&t, c), output(&t, c);
                TRY(batch_norm_back, NULL, 1e-5);
            }
}

/* layer_norm and rms_norm of vectors far from 0, with weight and bias or without. */
static void test_vectors(void) {
    static const int64_t shapes[][2] = {{1, 3}, {3, 16}, {70, 33}, {300, 64}, {5, 1000}, {2000, 7}};
    trial t = {0};
    for (int s = 0; s < CT_COUNT(shapes); s++)
        for (int affine = 0; affine < 2; affine++) {
            int64_t rows = shapes[s][0], n = shapes[s][1];
            ct_layout x = F32(PLAIN, rows, n), v = F32(PLAIN, n), w = affine ? v : absent, of_row = F32(PLAIN, rows);
            ct_layer_norm_args layer = {CT_DIMS(n), 1e-5};
            ct_rms_norm_args rms = {CT_DIMS(n), -1};
            operand *far = input(&t, x);
            for (size_t i = 0; i < far->bytes / 4; i++) ((float *)far->data)[i] += 5;
            input(&t, w), input(&t, w), output(&t, x), output(&t, of_row), output(&t, of_row);
            TRY(layer_norm_, &layer, 2e-5);
            input(&t, x), input(&t, x), input(&t, of_row), positive(&t, of_row), input(&t, w);
            output(&t, x), output(&t, v), output(&t, v);
            TRY(layer_norm_back, NULL, 1e-5);
            input(&t, x), input(&t, w), output(&t, x), output(&t, of_row);
            TRY(rms_norm_, &rms, 1e-5);
            input(&t, x), input(&t, x), positive(&t, of_row), input(&t, w), output(&t, x), output(&t, v);
            TRY(rms_norm_back, NULL, 1e-5);
        }
}

/* (3, N, heads, rows, columns) or (N, heads, rows, columns), a row's heads beside each other in memory. */
static ct_layout heads(int three, int64_t n, int64_t h, int64_t rows, int64_t columns) {
    ct_layout l = F32(PLAIN, three, n, h, rows, columns);
    const int64_t stride[] = {h * columns, rows * three * h * columns, columns, three * h * columns, 1};
    memcpy(l.stride, stride, sizeof stride);
    if (three > 1) return l;
    l.ndim--;
    memmove(l.size, l.size + 1, 4 * sizeof *l.size), memmove(l.stride, l.stride + 1, 4 * sizeof *l.stride);
    return l;
}

/* Queries, keys and values apart, or packed; then the gradients. mask: absent, or its layout. */
static void one_attention(const ct_layout *part, ct_layout mask, bool packed, ct_attention_args args) {
    trial t = {0};
    ct_layout y = packed ? heads(1, part->size[1], part->size[2], part->size[3], part->size[4]) : part[0], lse;
    y.size[3] = packed ? y.size[3] : part[2].size[3];
    y = heads(1, y.size[0], y.size[1], y.size[2], y.size[3]), lse = layout(CT_F32, PLAIN, 3, y.size);
    for (int back = 0; back < 2; back++) {
        if (back) input(&t, y);
        input(&t, part[0]);
        for (int i = 1; i < 3; i++) input(&t, packed ? absent : part[i]);
        operand *m = input(&t, mask);
        for (size_t i = 0; mask.dtype == CT_BOOL && i < m->bytes; i++) m->data[i] = next_random() % 4 > 0;
        if (back) input(&t, y), positive(&t, lse);
        for (int i = 0; i < (packed ? 1 : 3) && back; i++) output(&t, part[i]);
        if (!back) output(&t, y), output(&t, lse);
        if (back)
            TRY(attention_back, &args, 2e-5);
        else
            TRY(attention_, &args, 2e-5);
    }
}

static void test_attention(void) {
    static const int64_t shapes[][3] = {{1, 1, 1}, {1, 200, 16}, {5, 3, 4}, {64, 64, 32}, {130, 70, 33}, {67, 131, 8}};
    for (int s = 0; s < CT_COUNT(shapes); s++) {
        int64_t L = shapes[s][0], S = shapes[s][1], E = shapes[s][2];
        ct_layout part[] = {heads(1, 2, 3, L, E), heads(1, 2, 3, S, E), heads(1, 2, 3, S, E + 2)};
        ct_layout all = heads(3, 2, 3, L, E), flags = layout(CT_BOOL, PLAIN, SIZES(2, 1, 1, S));
        for (int causal = 0; causal < 2; causal++) {
            one_attention(part, absent, false, (ct_attention_args){.is_causal = causal});
            one_attention(&all, absent, true, (ct_attention_args){.is_causal = causal, .scale = 0.3});
        }
        one_attention(part, flags, false, (ct_attention_args){0});
        one_attention(part, F32(PLAIN, L, S), false, (ct_attention_args){0});
    }
}

static void test_dropout(void) {
    trial t = {0};
    for (int order = PLAIN; order <= LAST; order++)
        for (int64_t n = 1; n < 200000; n = n * 7 + 3) {
            ct_layout x = F32(order, 2, n, 3), mask = x;
            mask.dtype = CT_BOOL;
            ct_dropout_args args = {n % 4 == 0 ? 0 : n % 4 == 1 ? 1 : 0.3, n};
            input(&t, x), integers(&t, I64(PLAIN, 2), 1000);
            output(&t, mask);
            TRY(dropout_mask, &args, 0);
            ct_fill_args fill = {1.5};
            operand *m = (input(&t, x), input(&t, mask));
            for (size_t i = 0; i < m->bytes; i++) m->data[i] = next_random() & 1;
            output(&t, x);
            TRY(mask_scale, &fill, 1e-6);
        }
}

static void test_loss(void) {
    trial t = {0};
    static const int64_t shapes[][2] = {{5, 7}, {64, 10}, {1, 1}, {300, 1000}};
    for (int s = 0; s < 4; s++)
        for (int reduction = 0; reduction < 3; reduction++)
            for (int kind = 0; kind < 4; kind++) { /* bit 0: weights, bit 1: smoothing */
                int64_t n = shapes[s][0], c = shapes[s][1];
                ct_cross_entropy_args args = {reduction, kind & 2 ? 0.1 : 0, 2};
                ct_layout w = kind & 1 ? F32(PLAIN, c) : absent, loss = reduction == 2 ? F32(PLAIN, n) : number;
                for (int wrong = 0; wrong < 2; wrong++) {
                    input(&t, F32(PLAIN, n, c)), integers(&t, I64(PLAIN, n), c);
                    if (wrong) ((int64_t *)t.in[1].data)[0] = s & 1 ? -1 : c;
                    kind & 1 ? positive(&t, w) : input(&t, w);
                    output(&t, loss), output(&t, F32(PLAIN, n));
                    TRY(cross_entropy_, &args, 1e-5);
                }
                input(&t, loss), input(&t, F32(PLAIN, n, c)), integers(&t, I64(PLAIN, n), c);
                kind & 1 ? positive(&t, w) : input(&t, w);
                operand *lse = positive(&t, F32(PLAIN, n));
                for (int64_t i = 0; i < n; i++) ((float *)lse->data)[i] += 3;
                output(&t, F32(PLAIN, n, c));
                TRY(cross_entropy_back, &args, 1e-5);
            }
}

/* n params of several sizes with `states` lists; the second has no gradient. */
static void one_update(const char *name, int op, const void *args, int states, double step) {
    trial t = {0};
    static const int64_t sizes[] = {35, 3, 70000, 1};
    for (int list = 0; list < 2 + states; list++)
        for (int i = 0; i < 4; i++) {
            ct_layout l = list == 1 && i == 1 ? absent : F32(PLAIN, sizes[i]);
            list < 2 ? input(&t, l) : positive(&t, l);
        }
    positive(&t, number), input(&t, number);
    *(float *)t.in[t.n_in - 1].data = (float)step;
    for (int list = 0; list < 1 + states; list++)
        for (int i = 0; i < 4; i++) output(&t, F32(PLAIN, sizes[i]));
    trial_name = name;
    compare(op, &t, args, 2e-6);
    end(&t);
}
/* Matrices, wide and tall; the second has no gradient. */
static void muon_update(ct_muon_args args) {
    static const int64_t sizes[][2] = {{5, 7}, {3, 3}, {7, 5}, {300, 64}, {1, 9}, {70, 130}};
    trial t = {0};
    for (int list = 0; list < 3; list++)
        for (int i = 0; i < 6; i++) input(&t, list == 1 && i == 1 ? absent : F32(PLAIN, sizes[i][0], sizes[i][1]));
    positive(&t, number), positive(&t, number);
    for (int list = 0; list < 2; list++)
        for (int i = 0; i < 6; i++) output(&t, F32(PLAIN, sizes[i][0], sizes[i][1]));
    trial_name = "muon";
    compare(CT_OP_muon, &t, &args, 2e-5);
    end(&t);
}

#define UPDATE(op, states, ...)                                                                       \
    do {                                                                                              \
        ct_##op##_args args = {__VA_ARGS__};                                                          \
        one_update(#op, CT_OP_##op, &args, states, 1), one_update(#op, CT_OP_##op, &args, states, 7); \
    } while (0)

static void test_update(void) {
    UPDATE(sgd, 0, .weight_decay = 0.01);
    UPDATE(sgd, 1, .weight_decay = 0.01);
    UPDATE(sgd, 1, .momentum = 0.9, .dampening = 0.2, .weight_decay = 0.01);
    UPDATE(sgd, 1, .momentum = 0.9, .nesterov = true);
    UPDATE(adam, 2, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 0.1);
    UPDATE(adam, 3, .betas = {0.9, 0.999}, .eps = 1e-8, .amsgrad = true);
    UPDATE(adamw, 2, .betas = {0.8, 0.99}, .eps = 1e-8, .weight_decay = 0.1);
    UPDATE(adamw, 3, .betas = {0.8, 0.99}, .eps = 1e-8, .weight_decay = 0.1, .amsgrad = true);
    UPDATE(rmsprop, 1, .alpha = 0.9, .eps = 1e-6, .weight_decay = 0.1);
    UPDATE(rmsprop, 2, .alpha = 0.9, .eps = 1e-6, .momentum = 0.9);
    UPDATE(adagrad, 1, .lr_decay = 0.1, .weight_decay = 0.1, .initial_accumulator_value = 0.5, .eps = 1e-10);
    UPDATE(adadelta, 2, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.1);
    UPDATE(adamax, 2, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 0.1);
    UPDATE(radam, 2, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 0.1);
    UPDATE(radam, 2, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 0.1, .decoupled_weight_decay = true);
    UPDATE(nadam, 2, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 0.1, .momentum_decay = 4e-3);
    UPDATE(nadam, 2, .betas = {0.8, 0.99}, .eps = 1e-8, .weight_decay = 0.1, .decoupled_weight_decay = true);
    UPDATE(lion, 1, .betas = {0.9, 0.99}, .weight_decay = 0.1);
    UPDATE(lamb, 2, .betas = {0.9, 0.999}, .eps = 1e-6, .weight_decay = 0.1);
    muon_update((ct_muon_args){0.1, 0.1, 0.95, false, {3.4445, -4.775, 2.0315}, 1e-7, 5, 0});
    muon_update((ct_muon_args){0.1, 0, 0.3, true, {2, -1.5, 0.5}, 1e-7, 3, 1});
    for (int step = 1; step < 3; step++) one_update("average", CT_OP_average, &(ct_none_args){0}, 0, step);
}

int main(void) {
    RUN(test_sum), RUN(test_softmax), RUN(test_copy), RUN(test_matmul), RUN(test_conv), RUN(test_conv_room),
        RUN(test_pool);
    RUN(test_norm), RUN(test_vectors), RUN(test_attention), RUN(test_dropout), RUN(test_loss), RUN(test_update);
    RUN(test_pool_edges);
    return check_done("cpu");
}
