/* ctorch devices: what there is to compute with. */
#include "cmd/cmd.h"
#include "cmd/processor.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct args {
    bool json;
} args;

static const ct_option options[] = {{"json", 0, NULL, CT_OPTION_FLAG, offsetof(args, json), "print it as JSON", 0, 0},
                                    {0}};

static const char *const kernels[] = {"v4", "v3", "v2", "generic", "ref"};
#define KERNELS (sizeof kernels / sizeof *kernels)

typedef struct machine {
    char cpu[128];
    const char *isa, *why;
    bool has[KERNELS], bf16;
    int threads;
    int64_t memory;
} machine;

static machine look(void) {
    machine m = {.isa = ct_backend_name(), .bf16 = ct_backend_bf16()};
    ct_processor_name(m.cpu, sizeof m.cpu);
    for (size_t i = 0; i < KERNELS; i++) m.has[i] = !ct_backend_use(kernels[i]);
    m.threads = ct_threads_available(&m.why);
    m.memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    return m;
}

static void print_text(const machine *m) {
    fputs("cpu      ", stdout);
    ct_say_text(stdout, m->cpu, -1);
    printf("\nkernels  %s (of", m->isa);
    for (size_t i = 0; i < KERNELS; i++)
        if (m->has[i]) printf(" %s", kernels[i]);
    printf(")%s\nthreads  %d (%s)\n", m->bf16 ? ", products of bf16" : "", m->threads, m->why);
    printf("memory   %.1f GiB\ncuda     no CUDA in this build\n", (double)m->memory / (1 << 30));
}

static void print_json(const machine *m) {
    ct_json j = {0};
    ct_json_open(&j, NULL, '{');
    ct_json_text(&j, "cpu", m->cpu);
    ct_json_text(&j, "kernels", m->isa);
    ct_json_open(&j, "available", '[');
    for (size_t i = 0; i < KERNELS; i++)
        if (m->has[i]) ct_json_text(&j, NULL, kernels[i]);
    ct_json_close(&j, ']');
    ct_json_bool(&j, "bf16", m->bf16);
    ct_json_int(&j, "threads", m->threads);
    ct_json_text(&j, "threads_why", m->why);
    ct_json_int(&j, "memory", m->memory);
    ct_json_bool(&j, "cuda", false);
    ct_json_close(&j, '}');
}

static ct_status run(const void *args_, ct_operands operands) {
    (void)operands;
    const machine m = look();
    if (((const args *)args_)->json)
        print_json(&m);
    else
        print_text(&m);
    return CT_OK;
}

const ct_command ct_command_devices = {
    "devices", "Shows what there is to compute with", "", 0, 0, options, sizeof(args), run};
