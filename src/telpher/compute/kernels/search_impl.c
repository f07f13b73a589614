#define _GNU_SOURCE
#include "search_impl.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "widths_impl.h"

#define HUGE_PAGE ((int64_t)2 << 20)
/* Elements filled between two looks at the control: a huge page's worth, so that each is written while the cache still holds what
 * the system cleared. */
#define BLOCK (HUGE_PAGE / (int64_t)sizeof(int32_t))

static const search_functions by_width[] = {
    [WIDTH_BASELINE] = {search_many_baseline, search_halve_baseline, search_fill_baseline, search_fill_past_baseline},
#ifdef TELPHER_X86
    [WIDTH_AVX2] = {search_many_avx2, search_halve_avx2, search_fill_avx2, search_fill_past_avx2},
    [WIDTH_AVX512] = {search_many_avx512, search_halve_avx512, search_fill_avx512, search_fill_past_avx512},
#endif
};

const search_functions *search_functions_of(int width)
{
    width = telpher_choose_width(width);
    return width < 0 ? NULL : &by_width[width];
}

/* ---- memory ---- */

void *search_map(int64_t size, int64_t *mapped)
{
    if (size > INT64_MAX - 2 * HUGE_PAGE)
        return NULL;
    *mapped = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    /* A huge page more than needed, so that an aligned stretch lies within; what is over is given back. */
    char *place = mmap(NULL, (size_t)(*mapped + HUGE_PAGE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        return NULL;
    int64_t before = (HUGE_PAGE - (int64_t)((uintptr_t)place % (uintptr_t)HUGE_PAGE)) % HUGE_PAGE, after = HUGE_PAGE - before;
    if (before > 0)
        munmap(place, (size_t)before);
    if (after > 0)
        munmap(place + before + *mapped, (size_t)after);
#ifdef MADV_HUGEPAGE
    madvise(place + before, (size_t)*mapped, MADV_HUGEPAGE); /* a wish: without it all goes on, slower */
#endif
    return place + before;
}

void search_unmap(void *place, int64_t mapped)
{
    if (place != NULL)
        munmap(place, (size_t)mapped);
}

typedef struct arena {
    struct arena *next;
    int32_t *keys;
    int64_t mapped;
    search_index index; /* of 0 … n-1, for SEARCH_BATCH; n is 0 when there is none */
} arena;

static pthread_mutex_t arenas_mutex = PTHREAD_MUTEX_INITIALIZER;
static arena *idle_arenas;

static void arena_free(arena *one)
{
    search_index_close(&one->index);
    search_unmap(one->keys, one->mapped);
    free(one);
}

/* An arena for n keys that nobody else uses, a warm one where there is: of those with the right index if `indexed`. */
static arena *arena_take(int64_t n, int indexed)
{
    pthread_mutex_lock(&arenas_mutex);
    arena **place = &idle_arenas;
    while (*place != NULL && (indexed ? (*place)->index.n != n : (*place)->mapped < n * (int64_t)sizeof(int32_t)))
        place = &(*place)->next;
    arena *found = *place;
    if (found != NULL)
        *place = found->next;
    pthread_mutex_unlock(&arenas_mutex);
    if (found != NULL)
        return found;
    arena *one = calloc(1, sizeof *one);
    if (one == NULL)
        return NULL;
    one->keys = search_map(n * (int64_t)sizeof(int32_t), &one->mapped);
    if (one->keys == NULL) {
        free(one);
        return NULL;
    }
    return one;
}

static void arena_give_back(arena *one)
{
    pthread_mutex_lock(&arenas_mutex);
    one->next = idle_arenas;
    idle_arenas = one;
    pthread_mutex_unlock(&arenas_mutex);
}

void search_cool(void)
{
    pthread_mutex_lock(&arenas_mutex);
    arena *idle = idle_arenas;
    idle_arenas = NULL;
    pthread_mutex_unlock(&arenas_mutex);
    while (idle != NULL) {
        arena *next = idle->next;
        arena_free(idle);
        idle = next;
    }
}

/* ---- the ways ---- */

static int fill(int32_t *keys, int64_t n, search_fill *fill_some, telpher_control *control)
{
    for (int64_t start = 0; start < n; start += BLOCK) {
        if (telpher_poll(control, start))
            return TELPHER_CANCELLED;
        fill_some(keys, start, start + BLOCK < n ? start + BLOCK : n);
    }
    return TELPHER_OK;
}

static int64_t find(const int32_t *keys, int64_t n, int64_t sought)
{
    const int32_t *base = keys;
    for (int64_t length = n; length > 1; length -= length / 2)
        base += base[length / 2 - 1] < sought ? length / 2 : 0;
    return *base == sought ? base - keys : -1;
}

static int search_fresh(int64_t n, int64_t sought, const search_functions *use, int64_t *found, telpher_control *control)
{
    int64_t mapped;
    int32_t *keys = search_map(n * (int64_t)sizeof(int32_t), &mapped);
    if (keys == NULL)
        return TELPHER_NO_MEMORY;
    int status = fill(keys, n, use->fill, control);
    if (status == TELPHER_OK)
        *found = find(keys, n, sought);
    search_unmap(keys, mapped);
    return status;
}

static int search_warm(int64_t n, int64_t sought, const search_functions *use, int64_t *found, telpher_control *control)
{
    arena *place = arena_take(n, 0);
    if (place == NULL)
        return TELPHER_NO_MEMORY;
    search_index_close(&place->index); /* what it indexes is about to be written over */
    place->index.n = 0;
    int status = fill(place->keys, n, use->fill_past, control);
    if (status == TELPHER_OK)
        *found = find(place->keys, n, sought);
    arena_give_back(place);
    return status;
}

/* Steele, Lea and Flood's SplitMix64 (https://doi.org/10.1145/2714064.2660195): the i-th of a stream of pseudo-random numbers. */
static uint64_t scattered(uint64_t i)
{
    uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#define QUERIES_AT_ONCE 4096

static int search_batch(int64_t n, int64_t queries, const search_functions *use, int64_t *sum, telpher_control *control)
{
    arena *place = arena_take(n, 1);
    if (place == NULL)
        return TELPHER_NO_MEMORY;
    int status = TELPHER_OK;
    if (place->index.n != n) {
        for (int64_t start = 0; start < n && status == TELPHER_OK; start += BLOCK) {
            use->fill(place->keys, start, start + BLOCK < n ? start + BLOCK : n);
            if (telpher_is_cancelled(control))
                status = TELPHER_CANCELLED;
        }
        if (status == TELPHER_OK)
            status = search_index_open(&place->index, place->keys, n);
        if (status != TELPHER_OK) {
            arena_free(place);
            return status;
        }
    }
    int32_t sought[QUERIES_AT_ONCE];
    int64_t positions[QUERIES_AT_ONCE];
    *sum = 0;
    for (int64_t done = 0; done < queries && status == TELPHER_OK; done += QUERIES_AT_ONCE) {
        int64_t count = queries - done < QUERIES_AT_ONCE ? queries - done : QUERIES_AT_ONCE;
        for (int64_t i = 0; i < count; i++)
            sought[i] = (int32_t)(((scattered((uint64_t)(done + i)) >> 32) * (uint64_t)n) >> 32);
        telpher_control inner = {0};
        use->many(&place->index, sought, positions, count, &inner);
        for (int64_t i = 0; i < count; i++)
            *sum += positions[i];
        if (telpher_poll(control, done + count))
            status = TELPHER_CANCELLED;
    }
    arena_give_back(place);
    return status;
}

int search_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control)
{
    int64_t way = arguments[0], n = arguments[1], sought = arguments[2] < 0 ? n - 1 : arguments[2], queries = arguments[4];
    if (n < 1 || n > INT32_MAX || queries < 0)
        return TELPHER_BAD_ARGUMENT;
    const search_functions *use = search_functions_of((int)arguments[3]);
    if (use == NULL)
        return TELPHER_UNSUPPORTED;
    int64_t *answer = &result->integer;
    switch (way) {
    case SEARCH_PLAIN:
        return search_plain(n, sought, answer, control);
    case SEARCH_FRESH:
        return search_fresh(n, sought, use, answer, control);
    case SEARCH_WARM:
        return search_warm(n, sought, use, answer, control);
    case SEARCH_BATCH:
        return search_batch(n, queries, use, answer, control);
    default:
        return TELPHER_BAD_ARGUMENT;
    }
}
