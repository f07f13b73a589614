#include "primes_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Odd numbers in a segment, one byte each: they stay in the first-level cache. A segment takes well under a millisecond. */
#define SEGMENT 32768

/* The odd primes up to `limit` (at most 10^6), and how many; NULL when there is no memory. */
static int64_t *small_primes(int64_t limit, int64_t *count)
{
    char *is_composite = calloc((size_t)limit + 1, 1);
    int64_t *primes = malloc(((size_t)limit / 2 + 2) * sizeof *primes);
    *count = 0;
    if (is_composite != NULL && primes != NULL)
        for (int64_t n = 3; n <= limit; n += 2)
            if (!is_composite[n]) {
                primes[(*count)++] = n;
                for (int64_t multiple = n * n; multiple <= limit; multiple += 2 * n)
                    is_composite[multiple] = 1;
            }
    if (is_composite == NULL) {
        free(primes);
        primes = NULL;
    }
    free(is_composite);
    return primes;
}

int primes_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control)
{
    int64_t limit = arguments[0], count, found = limit >= 2; /* 2 itself; from here on odd numbers alone */
    if (limit < 0 || limit > INT64_C(1000000000000))
        return TELPHER_BAD_ARGUMENT;
    int64_t *primes = small_primes((int64_t)sqrt((double)limit) + 1, &count);
    int64_t *next = primes == NULL ? NULL : malloc(((size_t)count + 1) * sizeof *next); /* multiples yet to strike, by prime */
    if (next == NULL) {
        free(primes);
        return TELPHER_NO_MEMORY;
    }
    for (int64_t i = 0; i < count; i++)
        next[i] = primes[i] * primes[i];
    char is_composite[SEGMENT];
    int status = TELPHER_OK;
    for (int64_t low = 3; low <= limit && status == TELPHER_OK; low += 2 * SEGMENT) {
        int64_t high = low + 2 * SEGMENT - 2 < limit ? low + 2 * SEGMENT - 2 : limit;
        memset(is_composite, 0, sizeof is_composite);
        for (int64_t i = 0; i < count && primes[i] * primes[i] <= high; i++)
            for (; next[i] <= high; next[i] += 2 * primes[i])
                is_composite[(next[i] - low) / 2] = 1;
        for (int64_t n = low; n <= high; n += 2)
            found += !is_composite[(n - low) / 2];
        if (telpher_poll(control, high))
            status = TELPHER_CANCELLED;
    }
    result->integer = found;
    free(next);
    free(primes);
    return status;
}
