/* Kernel 0 of `pi`: one division a term, one after another. */
#include "pi_impl.h"

#define BLOCK ((int64_t)1 << 20)

int pi_plain(int64_t terms, double *pi, telpher_control *control)
{
    double sum = 0.0, sign = 1.0;
    for (int64_t start = 0; start < terms; start += BLOCK) {
        if (telpher_poll(control, start))
            return TELPHER_CANCELLED;
        int64_t end = start + BLOCK < terms ? start + BLOCK : terms;
        for (int64_t k = start; k < end; k++) {
            sum += sign / (double)(2 * k + 1);
            sign = -sign;
        }
    }
    *pi = 4.0 * sum;
    return TELPHER_OK;
}
