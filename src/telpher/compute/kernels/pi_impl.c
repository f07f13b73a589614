#include "pi_impl.h"

#include <math.h>

#include "widths_impl.h"

#define BLOCKS_BETWEEN_POLLS 64

static int pi_folded(int64_t terms, int width, double *pi, telpher_control *control)
{
    double (*block)(int64_t) = pi_block_baseline;
#ifdef TELPHER_X86
    if (width == WIDTH_AVX2)
        block = pi_block_avx2;
    if (width == WIDTH_AVX512)
        block = pi_block_avx512;
#endif
    int64_t blocks = terms / PI_BLOCK;
    double sum = 0.0, lost = 0.0; /* Neumaier's summation: what each addition rounds away is kept */
    for (int64_t k = terms - 1; k >= blocks * PI_BLOCK; k--)
        sum += (k & 1 ? -1.0 : 1.0) / (double)(2 * k + 1);
    for (int64_t b = blocks - 1; b >= 0; b--) {
        double part = block(b * PI_BLOCK), stepped = sum + part;
        lost += fabs(sum) >= fabs(part) ? (sum - stepped) + part : (part - stepped) + sum;
        sum = stepped;
        if (b % BLOCKS_BETWEEN_POLLS == 0 && telpher_poll(control, terms - b * PI_BLOCK))
            return TELPHER_CANCELLED;
    }
    *pi = 4.0 * (sum + lost);
    return TELPHER_OK;
}

int pi_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control)
{
    int64_t way = arguments[0], terms = arguments[1];
    int width = telpher_choose_width((int)arguments[2]), status;
    if (terms < 1)
        return TELPHER_BAD_ARGUMENT;
    if (width < 0)
        return TELPHER_UNSUPPORTED;
    if (way == PI_PLAIN)
        status = pi_plain(terms, &result->real, control);
    else if (way == PI_FOLDED)
        status = pi_folded(terms, width, &result->real, control);
    else
        return TELPHER_BAD_ARGUMENT;
    if (status == TELPHER_OK)
        telpher_poll(control, terms);
    return status;
}
