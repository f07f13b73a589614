// The C++ library's search, as a baseline. Compiled by the benchmark.
#include <algorithm>
#include <cstdint>

extern "C" void std_lower_bound(const int32_t *keys, int64_t n, const int32_t *queries, int64_t *positions, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        positions[i] = std::lower_bound(keys, keys + n, queries[i]) - keys;
}
