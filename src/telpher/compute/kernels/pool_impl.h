/* A pool of C threads that run native kernels at idle priority and never touch Python.
 *
 * A call is submitted with a number of the caller's choosing; when it is done it is put on a list, and an eventfd becomes readable.
 * The caller then takes the finished calls. Nothing here needs the interpreter's lock or waits for it.
 *
 * The caller never waits for a worker either: a worker at idle priority that holds a lock can be off the processor for as long as
 * anything else wants to run, and a caller that needed the lock would wait as long. So calls travel over two lists without locks; only
 * workers lock, among themselves. All functions but telpher_call_run and telpher_become_idle are for one thread at a time.
 */
#ifndef TELPHER_POOL_IMPL_H
#define TELPHER_POOL_IMPL_H

#include "telpher_kernel.h"

typedef struct telpher_call {
    struct telpher_call *next;
    telpher_kernel kernel;
    telpher_control *control; /* the caller's; it outlives the call */
    int64_t number;
    int64_t arguments[TELPHER_MAX_ARGUMENTS];
    telpher_result result;
    int64_t started_ns; /* CLOCK_MONOTONIC, as Python's perf_counter_ns and asyncio's time are on Linux */
    int64_t ended_ns;
    int status;
    int worker; /* 1 … threads */
} telpher_call;

typedef struct telpher_pool telpher_pool;

/* Start `threads` threads. On failure NULL, and errno says why. */
telpher_pool *telpher_pool_open(int threads);

/* The eventfd: readable while finished calls wait to be taken. Owned by the pool. */
int telpher_pool_fd(const telpher_pool *pool);

/* Hand in a call. The pool copies `arguments`. 0, or -1 when memory is short. */
int telpher_pool_submit(telpher_pool *pool, telpher_kernel kernel, const int64_t *arguments, int count,
                        telpher_control *control, int64_t number);

/* All calls finished since last time, oldest first, as a list to be freed with telpher_call_free; resets the eventfd. */
telpher_call *telpher_pool_take(telpher_pool *pool);
void telpher_call_free(telpher_call *call);

/* Tell running and waiting calls to stop, join the threads, free everything. */
void telpher_pool_close(telpher_pool *pool);

/* Run a call on this thread, with its times taken. */
void telpher_call_run(telpher_call *call);

/* Give this thread the lowest class of scheduling there is: SCHED_IDLE, else nice 19. It cannot be undone without privilege. Returns
 * which: 2 for SCHED_IDLE, 1 for nice 19, 0 for neither. */
int telpher_become_idle(void);

/* Have this process killed when the thread that started it ends. */
void telpher_die_with_parent(void);

#endif
