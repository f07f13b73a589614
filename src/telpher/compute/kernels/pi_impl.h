/* Partial sums of Leibniz' series, pi/4 = 1 - 1/3 + 1/5 - … (https://en.wikipedia.org/wiki/Leibniz_formula_for_%CF%80).
 *
 * Arguments of pi_kernel: way (enum pi_way), terms, width (enum telpher_width). Result: real, four times the sum of that many terms.
 *
 * The plain way is bound by the divider: one division a term. The folded way brings sixteen terms over one denominator, which costs
 * multiplications, of which the machine has plenty, and sixteen times fewer divisions. With u the middle of eight consecutive odd
 * numbers and v = u², the terms 1/(u-7) - 1/(u-5) + … - 1/(u+7) pair up to
 *
 *     14/(v-49) - 10/(v-25) + 6/(v-9) - 2/(v-1)  =  N(v) / D(v),
 *     N = 8v³ - 184v² + 2648v + 15960,  D = (v-1)(v-9)(v-25)(v-49),
 *
 * and two such fractions are added crosswise. Blocks of 16384 terms are summed from the tail, where the terms are small, so that the
 * error stays below that of the result's last digit.
 */
#ifndef PI_IMPL_H
#define PI_IMPL_H

#include "telpher_kernel.h"

enum pi_way { PI_PLAIN = 0, PI_FOLDED = 1 };

int pi_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control);

/* One term after another, the way anyone would write it. */
int pi_plain(int64_t terms, double *pi, telpher_control *control);

#define PI_BLOCK 16384

/* The sum of the PI_BLOCK terms from term `first`, which is a multiple of PI_BLOCK. */
double pi_block_baseline(int64_t first);
double pi_block_avx2(int64_t first);
double pi_block_avx512(int64_t first);

#endif
