/* Kernel 0 of `search`: what the others are compared with, and must agree with. */
#include "search_impl.h"

#include <stdlib.h>

/* So many elements are filled between two looks at the control: about a millisecond's work. */
#define BLOCK ((int64_t)1 << 18)

static int64_t binary_search(const int32_t *keys, int64_t n, int64_t sought)
{
    int64_t low = 0, high = n - 1;
    while (low <= high) {
        int64_t middle = low + (high - low) / 2;
        if (keys[middle] == sought)
            return middle;
        if (keys[middle] < sought)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return -1;
}

int search_plain(int64_t n, int64_t sought, int64_t *found, telpher_control *control)
{
    int32_t *keys = malloc((size_t)n * sizeof *keys);
    if (keys == NULL)
        return TELPHER_NO_MEMORY;
    for (int64_t start = 0; start < n; start += BLOCK) {
        if (telpher_poll(control, start)) {
            free(keys);
            return TELPHER_CANCELLED;
        }
        int64_t end = start + BLOCK < n ? start + BLOCK : n;
        for (int64_t i = start; i < end; i++)
            keys[i] = (int32_t)i;
    }
    *found = binary_search(keys, n, sought);
    free(keys);
    return TELPHER_OK;
}
