/* Partial sums of Leibniz' series, pi/4 = 1 - 1/3 + 1/5 - … (https://en.wikipedia.org/wiki/Leibniz_formula_for_%CF%80).
 *
 * Arguments of pi_kernel: way (enum pi_way), terms, width (enum telpher_width). Result: real, four times the sum of that many terms.
 */
#ifndef PI_IMPL_H
#define PI_IMPL_H

#include "telpher_kernel.h"

enum pi_way { PI_PLAIN = 0 };

int pi_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control);

/* One term after another, the way anyone would write it. */
int pi_plain(int64_t terms, double *pi, telpher_control *control);

#endif
