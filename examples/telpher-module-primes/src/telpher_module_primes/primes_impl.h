/* Counting primes with the sieve of Eratosthenes, a cache's worth of numbers at a time. */
#ifndef PRIMES_IMPL_H
#define PRIMES_IMPL_H

#include <telpher_kernel.h>

/* Arguments: the limit, at most 10^12. Result: integer, how many primes there are up to it. */
int primes_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control);

#endif
