/* The body of pi_block_*, compiled once for each vector width: PI_BLOCK_NAME and VECTOR_BYTES say which. The algebra is in pi_impl.h. */
#include "pi_impl.h"

#define LANES (VECTOR_BYTES / 8)
#define FOLD 16 /* terms over one division, in each lane */

typedef double vector __attribute__((vector_size(VECTOR_BYTES)));

double PI_BLOCK_NAME(int64_t first)
{
    enum { STEPS = PI_BLOCK / (FOLD * LANES) };
    vector u, sums[2] = {{0}, {0}};
    for (int lane = 0; lane < LANES; lane++)
        u[lane] = 2.0 * (double)(first + PI_BLOCK - FOLD * (lane + 1)) + 8.0;
    for (int step = 0; step < STEPS; step += 2)
        for (int i = 0; i < 2; i++, u -= 2.0 * FOLD * LANES) {
            vector w = u + 16.0;
            vector v1 = u * u, v2 = w * w;
            vector numerator1 = ((8.0 * v1 - 184.0) * v1 + 2648.0) * v1 + 15960.0;
            vector numerator2 = ((8.0 * v2 - 184.0) * v2 + 2648.0) * v2 + 15960.0;
            vector denominator1 = (v1 * (v1 - 50.0) + 49.0) * (v1 * (v1 - 34.0) + 225.0);
            vector denominator2 = (v2 * (v2 - 50.0) + 49.0) * (v2 * (v2 - 34.0) + 225.0);
            sums[i] += (numerator1 * denominator2 + numerator2 * denominator1) / (denominator1 * denominator2);
        }
    vector both = sums[0] + sums[1];
    double sum = 0.0;
    for (int lane = 0; lane < LANES; lane++)
        sum += both[lane];
    return sum;
}
