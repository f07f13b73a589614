#define _GNU_SOURCE
#include "pool_impl.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#endif

typedef struct worker {
    telpher_pool *pool;
    pthread_t thread;
    telpher_call *running; /* atomic */
    int number;
} worker;

struct telpher_pool {
    telpher_call *submitted; /* atomic; newest first: pushed by the caller, taken whole by a worker */
    telpher_call *finished;  /* atomic; newest first: pushed by workers, taken whole by the caller */
    sem_t work;              /* as many as calls wait; more when closing */
    int is_closing;          /* atomic */
    int fd;
    int threads;
    pthread_mutex_t mutex; /* workers alone take it: of what is below */
    telpher_call *waiting; /* oldest first */
    worker workers[];
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int telpher_become_idle(void)
{
#ifdef SCHED_IDLE
    struct sched_param none = {.sched_priority = 0};
    if (pthread_setschedparam(pthread_self(), SCHED_IDLE, &none) == 0)
        return 2;
#endif
#ifdef __linux__
    /* On Linux a nice value belongs to a thread, in spite of POSIX: setpriority(2), "C library/kernel differences". */
    if (setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19) == 0)
        return 1;
#endif
    return 0;
}

void telpher_die_with_parent(void)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

void telpher_call_run(telpher_call *call)
{
    call->started_ns = now_ns();
    call->status = telpher_is_cancelled(call->control) ? TELPHER_CANCELLED
                                                       : call->kernel(call->arguments, &call->result, call->control);
    call->ended_ns = now_ns();
}

static void push(telpher_call **stack, telpher_call *call)
{
    call->next = __atomic_load_n(stack, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(stack, &call->next, call, 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
}

/* All of it, oldest first. */
static telpher_call *take_all(telpher_call **stack)
{
    telpher_call *newest = __atomic_exchange_n(stack, NULL, __ATOMIC_ACQUIRE), *oldest = NULL;
    while (newest != NULL) {
        telpher_call *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void ring(int fd)
{
    uint64_t one = 1;
    /* Fails only when the counter is full, and then the descriptor is readable anyway. */
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static telpher_call *next_call(telpher_pool *pool)
{
    while (sem_wait(&pool->work) != 0)
        ; /* interrupted */
    pthread_mutex_lock(&pool->mutex);
    if (pool->waiting == NULL)
        pool->waiting = take_all(&pool->submitted);
    telpher_call *call = pool->waiting;
    if (call != NULL)
        pool->waiting = call->next;
    pthread_mutex_unlock(&pool->mutex);
    return call;
}

static void *work(void *argument)
{
    worker *self = argument;
    telpher_pool *pool = self->pool;
    telpher_call *call;
    telpher_become_idle();
    while ((call = next_call(pool)) != NULL) {
        /* First say what runs, then look whether to close; telpher_pool_close does the reverse. So one of the two sees the other. */
        __atomic_store_n(&self->running, call, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&pool->is_closing, __ATOMIC_SEQ_CST))
            telpher_cancel(call->control);
        call->worker = self->number;
        telpher_call_run(call);
        __atomic_store_n(&self->running, NULL, __ATOMIC_SEQ_CST);
        push(&pool->finished, call);
        ring(pool->fd);
    }
    return NULL;
}

telpher_pool *telpher_pool_open(int threads)
{
    telpher_pool *pool = calloc(1, sizeof *pool + (size_t)threads * sizeof(worker));
    if (pool == NULL)
        return NULL;
    pool->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pool->fd < 0) {
        free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->mutex, NULL);
    sem_init(&pool->work, 0, 0);
    for (int i = 0; i < threads; i++) {
        worker *one = &pool->workers[i];
        one->pool = pool;
        one->number = i + 1;
        int error = pthread_create(&one->thread, NULL, work, one);
        if (error != 0) {
            telpher_pool_close(pool);
            errno = error;
            return NULL;
        }
        pool->threads++;
    }
    return pool;
}

int telpher_pool_fd(const telpher_pool *pool)
{
    return pool->fd;
}

int telpher_pool_submit(telpher_pool *pool, telpher_kernel kernel, const int64_t *arguments, int count,
                        telpher_control *control, int64_t number)
{
    telpher_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return -1;
    call->kernel = kernel;
    call->control = control;
    call->number = number;
    memcpy(call->arguments, arguments, (size_t)count * sizeof *arguments);
    push(&pool->submitted, call);
    sem_post(&pool->work);
    return 0;
}

telpher_call *telpher_pool_take(telpher_pool *pool)
{
    uint64_t count;
    while (read(pool->fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    return take_all(&pool->finished);
}

void telpher_call_free(telpher_call *call)
{
    free(call->result.bytes);
    free(call);
}

static void free_all(telpher_call *call)
{
    while (call != NULL) {
        telpher_call *next = call->next;
        telpher_call_free(call);
        call = next;
    }
}

void telpher_pool_close(telpher_pool *pool)
{
    __atomic_store_n(&pool->is_closing, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < pool->threads; i++) {
        /* Only this thread frees calls, so one that has just finished is still there. */
        telpher_call *running = __atomic_load_n(&pool->workers[i].running, __ATOMIC_SEQ_CST);
        if (running != NULL)
            telpher_cancel(running->control);
        sem_post(&pool->work); /* one more than there are calls, for each: its next_call finds nothing and it ends */
    }
    for (int i = 0; i < pool->threads; i++)
        pthread_join(pool->workers[i].thread, NULL);
    free_all(pool->finished);
    close(pool->fd);
    sem_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
