/* What is compiled once for each vector width: WIDTH_NAME(f) names the functions, and the file that includes this defines
 * count_less (how many of a node's 16 keys are smaller than a query), store (a vector of VECTOR_BYTES) and store_past (the same,
 * around the caches). */
#include "search_impl.h"

#define LANES (VECTOR_BYTES / 4)

typedef int32_t lanes __attribute__((vector_size(VECTOR_BYTES)));

#define FILL(name, STORE)                                                                                                       \
    void name(int32_t *keys, int64_t start, int64_t end)                                                                        \
    {                                                                                                                           \
        lanes next;                                                                                                             \
        for (int lane = 0; lane < LANES; lane++)                                                                                \
            next[lane] = (int32_t)(start + lane);                                                                               \
        int64_t i = start;                                                                                                      \
        for (; i <= end - LANES; i += LANES, next += LANES)                                                                     \
            STORE(keys + i, next);                                                                                              \
        for (; i < end; i++)                                                                                                    \
            keys[i] = (int32_t)i;                                                                                               \
    }

FILL(WIDTH_NAME(search_fill), store)
FILL(WIDTH_NAME(search_fill_past), store_past)

#define GROUPS_BETWEEN_POLLS 256

/* One group, `size` at most SEARCH_GROUP. Kept apart so that the compiler sees a constant size for all groups but the last. */
static inline __attribute__((always_inline)) void search_group(const search_index *index, const int32_t *queries,
                                                               int64_t *positions, int size)
{
    uint32_t node[SEARCH_GROUP];
    for (int i = 0; i < size; i++)
        node[i] = 0;
    for (int level = index->levels - 1; level > 0; level--) {
        const int32_t *nodes = index->level[level], *below = index->level[level - 1];
        for (int i = 0; i < size; i++) {
            uint32_t child = node[i] * SEARCH_FANOUT + (uint32_t)count_less(nodes + (int64_t)node[i] * SEARCH_NODE, queries[i]);
            __builtin_prefetch(below + (int64_t)child * SEARCH_NODE);
            node[i] = child;
        }
    }
    if (index->levels > 0)
        for (int i = 0; i < size; i++) {
            const int32_t *keys = index->level[0] + (int64_t)node[i] * SEARCH_NODE;
            uint32_t child = node[i] * SEARCH_FANOUT + (uint32_t)count_less(keys, queries[i]);
            __builtin_prefetch(index->keys + (int64_t)child * SEARCH_NODE);
            /* the caller's array need not begin at a cache line */
            __builtin_prefetch(index->keys + (int64_t)child * SEARCH_NODE + SEARCH_NODE - 1);
            node[i] = child;
        }
    for (int i = 0; i < size; i++) {
        const int32_t *leaf = index->keys + (int64_t)node[i] * SEARCH_NODE;
        leaf = node[i] == index->last_leaf ? index->tail : leaf;
        positions[i] = (int64_t)node[i] * SEARCH_NODE + count_less(leaf, queries[i]);
    }
}

int WIDTH_NAME(search_many)(const search_index *index, const int32_t *queries, int64_t *positions, int64_t count,
                            telpher_control *control)
{
    int64_t done = 0;
    for (int64_t group = 0; done + SEARCH_GROUP <= count; done += SEARCH_GROUP, group++) {
        search_group(index, queries + done, positions + done, SEARCH_GROUP);
        if (group % GROUPS_BETWEEN_POLLS == 0 && telpher_poll(control, done))
            return TELPHER_CANCELLED;
    }
    search_group(index, queries + done, positions + done, (int)(count - done));
    telpher_poll(control, count);
    return TELPHER_OK;
}

#define HALVING_GROUP 128
/* Below this many keys a stretch lies in the first-level cache by itself. */
#define NEAR 1024

/* The same halving for all queries of a group, so that it is a loop over arrays, which the compiler turns into gathers. */
static inline __attribute__((always_inline)) void halve_group(const int32_t *keys, int64_t n, const int32_t *queries,
                                                              int64_t *positions, int size)
{
    uint32_t base[HALVING_GROUP];
    for (int i = 0; i < size; i++)
        base[i] = 0;
    for (int64_t length = n; length > 1; length -= length / 2) {
        uint32_t half = (uint32_t)(length / 2);
        const int32_t *pivots = keys + half - 1;
        for (int i = 0; i < size; i++)
            base[i] += pivots[base[i]] < queries[i] ? half : 0;
        int64_t next = (length - half) / 2;
        if (next > NEAR)
            for (int i = 0; i < size; i++)
                __builtin_prefetch(keys + base[i] + next - 1);
    }
    for (int i = 0; i < size; i++)
        positions[i] = (int64_t)base[i] + (keys[base[i]] < queries[i]);
}

int WIDTH_NAME(search_halve)(const int32_t *keys, int64_t n, const int32_t *queries, int64_t *positions, int64_t count,
                             telpher_control *control)
{
    int64_t done = 0;
    for (int64_t group = 0; done + HALVING_GROUP <= count; done += HALVING_GROUP, group++) {
        halve_group(keys, n, queries + done, positions + done, HALVING_GROUP);
        if (group % 64 == 0 && telpher_poll(control, done))
            return TELPHER_CANCELLED;
    }
    halve_group(keys, n, queries + done, positions + done, (int)(count - done));
    telpher_poll(control, count);
    return TELPHER_OK;
}
