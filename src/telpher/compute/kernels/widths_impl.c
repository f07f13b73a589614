#include "widths_impl.h"

int telpher_has_width(int width)
{
    switch (width) {
    case WIDTH_AUTO:
    case WIDTH_BASELINE:
        return 1;
#ifdef TELPHER_X86
    case WIDTH_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case WIDTH_AVX512:
        return telpher_has_width(WIDTH_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    default:
        return 0;
    }
}

int telpher_choose_width(int width)
{
    if (width == WIDTH_AUTO)
        for (width = WIDTH_AVX512; !telpher_has_width(width); width--)
            ;
    return telpher_has_width(width) ? width : -1;
}
