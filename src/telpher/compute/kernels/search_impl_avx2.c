#include <immintrin.h>
#include <stdint.h>

#define VECTOR_BYTES 32
#define WIDTH_NAME(f) f##_avx2
#define store(place, value) _mm256_store_si256((__m256i *)(place), (__m256i)(value))
#define store_past(place, value) _mm256_stream_si256((__m256i *)(place), (__m256i)(value))

static inline int count_less(const int32_t *node, int32_t query)
{
    __m256i sought = _mm256_set1_epi32(query);
    __m256i low = _mm256_cmpgt_epi32(sought, _mm256_loadu_si256((const __m256i *)node));
    __m256i high = _mm256_cmpgt_epi32(sought, _mm256_loadu_si256((const __m256i *)(node + 8)));
    /* Two 32-bit lanes become two 16-bit ones, so one mask counts both halves, two bits a key. */
    return __builtin_popcount((unsigned)_mm256_movemask_epi8(_mm256_packs_epi32(low, high))) / 2;
}

#include "search_impl_wide.h"
