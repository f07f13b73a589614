/* What this machine can do at most, measured in the same run as the kernels. Compiled for this very machine by the benchmark. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *huge(size_t size)
{
    void *place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        return NULL;
    madvise(place, size, MADV_HUGEPAGE);
    memset(place, 1, size);
    return place;
}

/* Bytes a second read from memory, in order. */
double read_bandwidth(size_t size)
{
    uint64_t *place = huge(size);
    double best = 1e9;
    volatile uint64_t sink;
    for (int repeat = 0; repeat < 5; repeat++) {
        double start = now();
        uint64_t sums[8] = {0};
        for (size_t i = 0; i < size / 8; i += 8)
            for (int j = 0; j < 8; j++)
                sums[j] += place[i + (size_t)j];
        sink = sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
        double took = now() - start;
        best = took < best ? took : best;
    }
    (void)sink;
    munmap(place, size);
    return (double)size / best;
}

/* Seconds for a cache line at a random place of `size` bytes, when `chains` such requests are on their way at once. */
double random_line(size_t size, int chains)
{
    size_t lines = size / 64, *place = huge(size);
    size_t *order = malloc(lines * sizeof *order);
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < lines; i++)
        order[i] = i;
    for (size_t i = lines - 1; i > 0; i--) { /* Sattolo: one cycle through all lines */
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        size_t j = state % i, other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
    for (size_t i = 0; i < lines; i++)
        place[order[i] * 8] = order[(i + 1) % lines] * 8;
    size_t at[64];
    for (int chain = 0; chain < chains; chain++)
        at[chain] = order[(size_t)chain * (lines / (size_t)chains)] * 8;
    free(order);
    size_t steps = 2000000 / (size_t)chains;
    double start = now();
    for (size_t step = 0; step < steps; step++)
        for (int chain = 0; chain < chains; chain++)
            at[chain] = place[at[chain]];
    double took = now() - start;
    volatile size_t sink = 0;
    for (int chain = 0; chain < chains; chain++)
        sink += at[chain];
    munmap(place, size);
    return took / (double)(steps * (size_t)chains);
}

typedef double wide __attribute__((vector_size(64)));

/* Divisions a second, as many side by side as the widest vectors hold. */
double divisions(void)
{
    wide values[4] = {{0}}, divisor;
    for (int i = 0; i < 8; i++)
        divisor[i] = 1.0000001 + i * 1e-9;
    for (int j = 0; j < 4; j++)
        values[j] = divisor + (double)j;
    long rounds = 2000000;
    double start = now();
    for (long i = 0; i < rounds; i++)
        for (int j = 0; j < 4; j++) {
            values[j] = values[j] / divisor;
            __asm__ volatile("" : "+v"(values[j])); /* one after another, not folded into a product */
        }
    double took = now() - start;
    volatile double sink = values[0][0] + values[1][1] + values[2][2] + values[3][3];
    (void)sink;
    return (double)rounds * 32 / took;
}
