/* Decimal digits of pi by the series of Chudnovsky and Chudnovsky, 14.18 digits a term, over several threads.
 *
 *     426880 sqrt(10005) / pi = sum over k of (-1)^k (6k)! (13591409 + 545140134 k) / ((3k)! (k!)^3 640320^(3k))
 *
 * summed by binary splitting (https://www.craig-wood.com/nick/articles/pi-chudnovsky/ derives P, Q and T), with GMP for the long
 * numbers. Halves of the sum, the products that join them, the root and the division, and halves of the conversion to decimal
 * run side by side. The conversion takes digits off a binary fraction by multiplying, from the top: cheaper than dividing, and what
 * follows the first digits needs only the fraction's precision that is left (D. J. Bernstein, "Scaled remainder trees").
 *
 * Arguments of digits_kernel: digits after the point (1 …), threads (1 … DIGITS_MOST_THREADS).
 * Result: bytes, "3." and so many digits of pi, cut off, not rounded.
 *
 * GMP neither polls nor survives a failed allocation. So the computation runs on threads of its own while the calling thread watches
 * the control, and GMP's memory comes from an allocator that knows whose it is: when there is none, or the control says stop, the
 * threads jump out of GMP at its next allocation and all their memory is freed at once. A call that is cancelled returns within a few
 * milliseconds; a thread in the middle of a long product ends, and frees what it holds, when the product is done.
 */
#ifndef DIGITS_IMPL_H
#define DIGITS_IMPL_H

#include "telpher_kernel.h"

#define DIGITS_MOST_THREADS 64

int digits_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control);

/* Route GMP's memory through our allocator. Once, before the first call. Numbers of others are allocated as they always were. */
void digits_set_up(void);

/* ---- digits_impl_memory.c: one computation's memory, and the way out of GMP ---- */

#include <pthread.h>
#include <setjmp.h>

typedef struct digits_block {
    struct digits_block *next, *previous;
    int64_t padding[2]; /* what follows is aligned as malloc would */
} digits_block;

typedef struct digits_run {
    int64_t digits;
    int threads;
    int32_t stop; /* a telpher status: why to give up */
    int64_t done;
    telpher_result result;

    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t ended;
    int has_ended, is_abandoned;
    digits_block blocks; /* the ends of a ring of all that is allocated */
} digits_run;

digits_run *digits_run_new(int64_t digits, int threads);

/* Free it and everything that was allocated in it. */
void digits_run_free(digits_run *run);

/* Run `work(argument)` as part of `run`; 0, or why it jumped out. */
int digits_enter(digits_run *run, void (*work)(void *), void *argument);

/* Jump out of the calling thread's digits_enter when its run is to stop; count work done otherwise. */
void digits_poll(int64_t work);

/* Jump out, and let all other threads of the run do so. */
_Noreturn void digits_give_up(int status);

/* The calling thread's run. */
digits_run *digits_current(void);

#endif
