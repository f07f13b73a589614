/* Searching sorted arrays of 32-bit integers: the lesson's call, how fast the same can be, and an index for many queries.
 *
 * Arguments of search_kernel: way (enum search_way), n, sought (-1: the last), width (enum telpher_width), queries.
 * Result: integer, the position found or -1; for SEARCH_BATCH the sum of the positions of `queries` pseudo-random keys.
 *
 * The lesson's call spends its time in the machine's memory system: the kernel maps 65,536 small pages and clears each before we
 * fill it. SEARCH_FRESH asks for huge pages (512 times fewer faults) and fills with wide stores; SEARCH_WARM keeps the memory
 * between calls and fills it past the caches, which leaves nothing but the memory's own bandwidth.
 */
#ifndef SEARCH_IMPL_H
#define SEARCH_IMPL_H

#include "telpher_kernel.h"

enum search_way { SEARCH_PLAIN = 0, SEARCH_FRESH = 1, SEARCH_WARM = 2, SEARCH_BATCH = 3 };

int search_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control);

/* Allocate, fill, search, free, the way anyone would write it. */
int search_plain(int64_t n, int64_t sought, int64_t *found, telpher_control *control);

/* Give the arenas that SEARCH_WARM and SEARCH_BATCH keep between calls back to the system. Those in use are not touched. */
void search_cool(void);

/* ---- many queries over one array ----
 *
 * A static B-tree (an S+ tree): the leaves are the sorted array itself, cut into blocks of 16 keys, a cache line each; an inner node
 * is 16 keys too, the smallest of each of its children but the first, and child number is arithmetic, not a pointer: child c of node
 * i is node 17 i + c one level down. A query costs one cache line a level, compared in one or two vector operations. Queries go down
 * in groups, level by level, each fetching its next line ahead, so that the memory's latency is waited for once a group instead of
 * once a query. (Layout after https://en.algorithmica.org/hpc/data-structures/s-tree/; written afresh.)
 */
#define SEARCH_NODE 16
#define SEARCH_FANOUT (SEARCH_NODE + 1)
#define SEARCH_MOST_LEVELS 8
#define SEARCH_GROUP 64

typedef struct search_index {
    const int32_t *keys; /* the caller's: n of them, ascending, repetitions allowed */
    int64_t n;
    int64_t last_leaf;             /* number of the leaf that is perhaps not full */
    int32_t *nodes;                /* inner nodes, all levels */
    int64_t nodes_size;            /* bytes mapped for them */
    int levels;                    /* inner ones */
    int32_t *level[SEARCH_MOST_LEVELS]; /* level[0]: just above the leaves */
    int32_t tail[SEARCH_NODE]; /* the last leaf, filled up with INT32_MAX */
} search_index;

/* 0, or TELPHER_NO_MEMORY. `keys` must outlive the index and not change. */
int search_index_open(search_index *index, const int32_t *keys, int64_t n);
void search_index_close(search_index *index);

/* For each query the number of keys smaller than it (numpy.searchsorted, side left; std::lower_bound). `control` may stop it. */
typedef int search_many(const search_index *index, const int32_t *queries, int64_t *positions, int64_t count,
                        telpher_control *control);
search_many search_many_baseline, search_many_avx2, search_many_avx512;

/* The same without an index: halvings without branches, side by side. n is at least 1. */
typedef int search_halve(const int32_t *keys, int64_t n, const int32_t *queries, int64_t *positions, int64_t count,
                         telpher_control *control);
search_halve search_halve_baseline, search_halve_avx2, search_halve_avx512;

/* Write 0, 1, 2, … into keys[start … end). `start` is a multiple of 64 bytes' worth. Past: around the caches. */
typedef void search_fill(int32_t *keys, int64_t start, int64_t end);
search_fill search_fill_baseline, search_fill_avx2, search_fill_avx512;
search_fill search_fill_past_baseline, search_fill_past_avx2, search_fill_past_avx512;

/* The functions of one width, or NULL where this machine lacks it. */
typedef struct search_functions {
    search_many *many;
    search_halve *halve;
    search_fill *fill, *fill_past;
} search_functions;
const search_functions *search_functions_of(int width);

/* Memory in huge pages where the system gives them; NULL when there is none. `size` is rounded up into *mapped. */
void *search_map(int64_t size, int64_t *mapped);
void search_unmap(void *place, int64_t mapped);

#endif
