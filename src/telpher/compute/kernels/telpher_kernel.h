/* The shape of a native kernel: a C function that needs no Python while it runs, so that any thread may call it without the lock.
 *
 *     static int count(const int64_t *arguments, telpher_result *result, telpher_control *control)
 *     {
 *         for (int64_t i = 0; i < arguments[0]; i++) {
 *             if (i % 100000 == 0 && telpher_poll(control, i))
 *                 return TELPHER_CANCELLED;
 *             ...
 *         }
 *         result->integer = ...;
 *         return TELPHER_OK;
 *     }
 *
 * It is handed to Telpher in a capsule named TELPHER_KERNEL_CAPSULE whose pointer is the function
 * (PyCapsule_New((void *)count, TELPHER_KERNEL_CAPSULE, NULL)). The shape is frozen; a new one would get a new capsule name.
 */
#ifndef TELPHER_KERNEL_H
#define TELPHER_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define TELPHER_KERNEL_CAPSULE "telpher.kernel.1"
#define TELPHER_MAX_ARGUMENTS 16

enum {
    TELPHER_OK = 0,
    TELPHER_CANCELLED = 1,   /* control->cancelled was seen */
    TELPHER_NO_MEMORY = 2,   /* an allocation failed; everything else was freed */
    TELPHER_UNSUPPORTED = 3, /* this machine or this build lacks what was asked for by name */
    TELPHER_BAD_ARGUMENT = 4 /* out of the kernel's own bounds */
};

/* Shared with whoever waits, perhaps in another process. Use the functions below: both fields are read and written at any time. */
typedef struct telpher_control {
    int32_t cancelled; /* set from outside */
    int32_t reserved;
    int64_t done; /* units of work done, set by the kernel */
} telpher_control;

/* All zero when the kernel starts. `bytes`, when set, was allocated with malloc and belongs to the caller afterwards, which frees it
 * whatever the function returned. */
typedef struct telpher_result {
    int64_t integer;
    double real;
    char *bytes;
    size_t bytes_size;
} telpher_result;

typedef int (*telpher_kernel)(const int64_t *arguments, telpher_result *result, telpher_control *control);

static inline int telpher_is_cancelled(const telpher_control *control)
{
    return __atomic_load_n(&control->cancelled, __ATOMIC_RELAXED) != 0;
}

static inline void telpher_cancel(telpher_control *control)
{
    __atomic_store_n(&control->cancelled, 1, __ATOMIC_RELAXED);
}

static inline void telpher_reset(telpher_control *control)
{
    __atomic_store_n(&control->cancelled, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&control->done, 0, __ATOMIC_RELAXED);
}

static inline int64_t telpher_done(const telpher_control *control)
{
    return __atomic_load_n(&control->done, __ATOMIC_RELAXED);
}

/* Tell how far the work is, and learn whether to stop. Call it at least every 50 ms; it costs two moves. */
static inline int telpher_poll(telpher_control *control, int64_t done)
{
    __atomic_store_n(&control->done, done, __ATOMIC_RELAXED);
    return telpher_is_cancelled(control);
}

/* The same for several threads that work on one call and share the count. */
static inline int telpher_advance(telpher_control *control, int64_t units)
{
    __atomic_fetch_add(&control->done, units, __ATOMIC_RELAXED);
    return telpher_is_cancelled(control);
}

#endif
