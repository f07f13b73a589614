#include <immintrin.h>
#include <stdint.h>

#define VECTOR_BYTES 64
#define WIDTH_NAME(f) f##_avx512
#define store(place, value) _mm512_store_si512((place), (__m512i)(value))
#define store_past(place, value) _mm512_stream_si512((void *)(place), (__m512i)(value))

static inline int count_less(const int32_t *node, int32_t query)
{
    return __builtin_popcount(_mm512_cmplt_epi32_mask(_mm512_loadu_si512(node), _mm512_set1_epi32(query)));
}

#include "search_impl_wide.h"
