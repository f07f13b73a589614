/* Searching sorted arrays of 32-bit integers: the lesson's call, and how fast the same can be.
 *
 * Arguments of search_kernel: way (enum search_way), n, sought (-1: the last), width (enum telpher_width), queries.
 * Result: integer, the position found or -1. For SEARCH_BATCH: the sum of the positions of `queries` pseudo-random keys.
 */
#ifndef SEARCH_IMPL_H
#define SEARCH_IMPL_H

#include "telpher_kernel.h"

enum search_way { SEARCH_PLAIN = 0 };

int search_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control);

/* Allocate, fill, search, free, the way anyone would write it. */
int search_plain(int64_t n, int64_t sought, int64_t *found, telpher_control *control);

#endif
