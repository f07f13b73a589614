#define _GNU_SOURCE
#include "pool_impl.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
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
    telpher_call *running; /* under the pool's mutex */
    int number;
} worker;

struct telpher_pool {
    pthread_mutex_t mutex;
    pthread_cond_t work;
    telpher_call *waiting, **waiting_end;
    telpher_call *finished, **finished_end;
    int is_closing;
    int fd;
    int threads;
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

static void append(telpher_call ***end, telpher_call *call)
{
    call->next = NULL;
    **end = call;
    *end = &call->next;
}

static void ring(int fd)
{
    uint64_t one = 1;
    /* Fails only when the counter is full, and then the descriptor is readable anyway. */
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void *work(void *argument)
{
    worker *self = argument;
    telpher_pool *pool = self->pool;
    telpher_become_idle();
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (pool->waiting == NULL && !pool->is_closing)
            pthread_cond_wait(&pool->work, &pool->mutex);
        telpher_call *call = pool->waiting;
        if (call == NULL)
            break;
        pool->waiting = call->next;
        if (pool->waiting == NULL)
            pool->waiting_end = &pool->waiting;
        self->running = call;
        pthread_mutex_unlock(&pool->mutex);
        call->worker = self->number;
        telpher_call_run(call);
        pthread_mutex_lock(&pool->mutex);
        self->running = NULL;
        append(&pool->finished_end, call);
        ring(pool->fd);
    }
    pthread_mutex_unlock(&pool->mutex);
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
    pthread_cond_init(&pool->work, NULL);
    pool->waiting_end = &pool->waiting;
    pool->finished_end = &pool->finished;
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
    pthread_mutex_lock(&pool->mutex);
    int is_closing = pool->is_closing;
    if (!is_closing) {
        append(&pool->waiting_end, call);
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (is_closing)
        free(call);
    return is_closing ? -1 : 0;
}

telpher_call *telpher_pool_take(telpher_pool *pool)
{
    uint64_t count;
    while (read(pool->fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    pthread_mutex_lock(&pool->mutex);
    telpher_call *finished = pool->finished;
    pool->finished = NULL;
    pool->finished_end = &pool->finished;
    pthread_mutex_unlock(&pool->mutex);
    return finished;
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
    pthread_mutex_lock(&pool->mutex);
    pool->is_closing = 1;
    free_all(pool->waiting);
    pool->waiting = NULL;
    pool->waiting_end = &pool->waiting;
    for (int i = 0; i < pool->threads; i++)
        if (pool->workers[i].running != NULL)
            telpher_cancel(pool->workers[i].running->control);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->threads; i++)
        pthread_join(pool->workers[i].thread, NULL);
    free_all(pool->finished);
    close(pool->fd);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
