/* A box with GPUs for tests: what NVML would say stands in the file that FAKE_NVML names, read anew at every call.

   Its lines:  init CODE | count N | hang
               gpu INDEX CODE UUID TOTAL USED UTILIZATION TEMPERATURE MILLIWATTS MIG NAME
               computes INDEX PID BYTES PATH | draws INDEX PID BYTES PATH
   CODE is what a call returns: 0 success, 3 not supported, 9 no driver, 15 lost, 18 another version. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { unsigned int gpu, memory; } utilization_t;
typedef struct { unsigned int pid; unsigned long long memory; unsigned int gpu_instance, compute_instance; } process_t;
typedef struct {
    int index, code, utilization, temperature, milliwatts, mig;
    unsigned long long total, used;
    char uuid[96], name[96];
} gpu_t;

static gpu_t gpus[16];
static int ready; /* a driver that failed wants nvmlInit again */

static FILE *state(void) {
    const char *path = getenv("FAKE_NVML");
    return path ? fopen(path, "r") : NULL;
}

static int number(const char *key, int otherwise) {
    char line[512], word[64];
    int value, found = otherwise;
    FILE *file = state();
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%63s %d", word, &value) == 2 && !strcmp(word, key)) found = value;
    if (file) fclose(file);
    return found;
}

static void hang(void) {
    while (number("hang", 0)) usleep(5000);
}

static gpu_t *gpu(int index) {
    char line[512];
    gpu_t read;
    FILE *file = state();
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "gpu %d %d %95s %llu %llu %d %d %d %d %95[^\n]", &read.index, &read.code, read.uuid, &read.total,
                   &read.used, &read.utilization, &read.temperature, &read.milliwatts, &read.mig, read.name) == 10
            && read.index >= 0 && read.index < 16)
            gpus[read.index] = read;
    if (file) fclose(file);
    return &gpus[index];
}

static int processes(const char *key, int index, unsigned int *count, process_t *into) {
    char line[512], word[64];
    int on;
    unsigned int room = *count;
    process_t read = {0};
    FILE *file = state();
    *count = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%63s %d %u %llu", word, &on, &read.pid, &read.memory) == 4 && !strcmp(word, key) && on == index) {
            if (into && *count < room) into[*count] = read;
            ++*count;
        }
    if (file) fclose(file);
    return *count > (into ? room : 0) ? 7 : 0;
}

int nvmlInitWithFlags(unsigned int flags) {
    (void)flags, hang();
    ready = !number("init", 0);
    return number("init", 0);
}
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned int *count) {
    hang();
    *count = number("count", 0);
    ready = ready && !number("init", 0);
    return ready ? 0 : number("init", 0) ? number("init", 0) : 1;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, gpu_t **handle) { *handle = gpu(index); return (*handle)->code; }
int nvmlDeviceGetUUID(gpu_t *of, char *into, unsigned int room) { snprintf(into, room, "%s", of->uuid); return of->code; }
int nvmlDeviceGetName(gpu_t *of, char *into, unsigned int room) { snprintf(into, room, "%s", of->name); return of->code; }
int nvmlDeviceGetUtilizationRates(gpu_t *of, utilization_t *into) { into->gpu = of->utilization; return of->utilization < 0 ? 3 : 0; }
int nvmlDeviceGetTemperature(gpu_t *of, int sensor, unsigned int *into) { (void)sensor; *into = of->temperature; return 0; }
int nvmlDeviceGetPowerUsage(gpu_t *of, unsigned int *into) { *into = of->milliwatts; return 0; }
int nvmlDeviceGetMemoryInfo(gpu_t *of, memory_t *into) {
    into->total = of->total, into->used = of->used, into->free = of->total - of->used;
    return of->total ? of->code : 3;
}
int nvmlDeviceGetMigMode(gpu_t *of, unsigned int *now, unsigned int *later) { *now = *later = of->mig > 0; return of->mig < 0 ? 3 : 0; }
#ifndef WITHOUT_PROCESSES
int nvmlDeviceGetComputeRunningProcesses_v3(gpu_t *of, unsigned int *count, process_t *into) {
    return processes("computes", of->index, count, into);
}
#endif
int nvmlDeviceGetGraphicsRunningProcesses_v3(gpu_t *of, unsigned int *count, process_t *into) {
    return processes("draws", of->index, count, into);
}
int nvmlSystemGetProcessName(unsigned int pid, char *into, unsigned int room) {
    char line[512], path[256];
    unsigned int read;
    int code = 6;
    FILE *file = state();
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%*s %*d %u %*u %255[^\n]", &read, path) == 2 && read == pid) code = 0, snprintf(into, room, "%s", path);
    if (file) fclose(file);
    return code;
}
const char *nvmlErrorString(int code) { return code == 18 ? "Driver/library version mismatch" : "Unknown"; }
