/* What every machine of this architecture has: the compiler's vectors. */
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define VECTOR_BYTES 16
#define WIDTH_NAME(f) f##_baseline
#define store(place, value) (*(lanes *)(place) = (value))
#ifdef __SSE2__
#define store_past(place, value) _mm_stream_si128((__m128i *)(place), (__m128i)(value))
#else
#define store_past store
#endif

static inline int count_less(const int32_t *node, int32_t query)
{
    int count = 0;
    for (int i = 0; i < 16; i++)
        count += node[i] < query;
    return count;
}

#include "search_impl_wide.h"
