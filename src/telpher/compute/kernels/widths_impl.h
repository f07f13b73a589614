/* Which vector instructions a kernel is to use. The names are what people write; asking for what is missing is an error. */
#ifndef WIDTHS_IMPL_H
#define WIDTHS_IMPL_H

enum telpher_width {
    WIDTH_AUTO = 0,     /* the widest that this machine has */
    WIDTH_BASELINE = 1, /* what every machine of this architecture has: SSE2 on x86-64, NEON on Arm */
    WIDTH_AVX2 = 2,     /* with FMA */
    WIDTH_AVX512 = 3    /* F, BW, DQ, VL */
};

/* Whether this build and this machine can use it. */
int telpher_has_width(int width);

/* `width` itself, the widest for WIDTH_AUTO, or -1 when it cannot be used here. */
int telpher_choose_width(int width);

#endif
