#include "cmd/processor.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The first "model name" (or what other processors call it) of /proc/cpuinfo. */
void ct_processor_name(char *out, size_t size) {
    static const char *const keys[] = {"model name", "cpu model", "Model", "uarch"};
    char line[512];
    snprintf(out, size, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "re");
    for (bool found = false; f && !found && fgets(line, sizeof line, f);) {
        char *colon = strchr(line, ':');
        for (size_t i = 0; colon && !found && i < sizeof keys / sizeof *keys; i++)
            found = !strncmp(line, keys[i], strlen(keys[i]));
        if (!found) continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(out, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
    }
    if (f) fclose(f);
}
