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

/* ---- digits_impl_arena.c: one stretch of memory that long numbers are cut from ----
 *
 * A process has one lock for its map of memory, and every mmap, munmap and mprotect takes it, in whichever thread. A thread at idle priority
 * that is put off its core inside one of them keeps everybody else's waiting: up to 15 ms were measured, beside 200,000 page faults. So the
 * map changes twice in a computation, and its memory is given back in small parts.
 */

typedef struct digits_piece digits_piece;

typedef struct digits_arena {
    char *start; /* NULL when there was no room for it */
    size_t size, touched_bytes;
    digits_piece *free;
} digits_arena;

/* `arena` is all zero, and stays so when the system refuses: then nothing can be cut from it. */
void digits_arena_open(digits_arena *arena, size_t size);

/* The lowest place that has room, aligned for anything; NULL when none has. */
void *digits_arena_cut(digits_arena *arena, size_t size);

/* Make what was cut larger or smaller where it lies; 0 when that cannot be. */
int digits_arena_resize(digits_arena *arena, void *place, size_t size);

void digits_arena_give_back(digits_arena *arena, void *place);
int digits_arena_holds(const digits_arena *arena, const void *place);

/* Give everything back to the system. */
void digits_arena_close(digits_arena *arena);

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
    digits_block blocks; /* the ends of a ring of what malloc gave: short numbers, and what the arena has no room for */
    digits_arena arena;
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
