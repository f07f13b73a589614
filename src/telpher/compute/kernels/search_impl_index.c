/* Building the index. */
#include "search_impl.h"

#include <string.h>

int search_index_open(search_index *index, const int32_t *keys, int64_t n)
{
    memset(index, 0, sizeof *index);
    index->keys = keys;
    index->n = n;
    int64_t leaves = n > 0 ? (n + SEARCH_NODE - 1) / SEARCH_NODE : 1;
    index->last_leaf = leaves - 1;
    for (int i = 0; i < SEARCH_NODE; i++) {
        int64_t place = index->last_leaf * SEARCH_NODE + i;
        index->tail[i] = place < n ? keys[place] : INT32_MAX;
    }
    int64_t counts[SEARCH_MOST_LEVELS], total = 0;
    for (int64_t below = leaves; below > 1; below = counts[index->levels++]) {
        counts[index->levels] = (below + SEARCH_FANOUT - 1) / SEARCH_FANOUT;
        total += counts[index->levels];
    }
    if (total == 0)
        return TELPHER_OK;
    index->nodes = search_map(total * SEARCH_NODE * (int64_t)sizeof(int32_t), &index->nodes_size);
    if (index->nodes == NULL)
        return TELPHER_NO_MEMORY;
    int32_t *next = index->nodes;
    int64_t span = 1; /* leaves below one child */
    for (int level = 0; level < index->levels; level++, span *= SEARCH_FANOUT) {
        index->level[level] = next;
        for (int64_t node = 0; node < counts[level]; node++)
            for (int64_t key = 0; key < SEARCH_NODE; key++) {
                int64_t leaf = (node * SEARCH_FANOUT + key + 1) * span;
                *next++ = leaf < leaves ? keys[leaf * SEARCH_NODE] : INT32_MAX;
            }
    }
    return TELPHER_OK;
}

void search_index_close(search_index *index)
{
    search_unmap(index->nodes, index->nodes_size);
    index->nodes = NULL;
}
