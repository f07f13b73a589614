#include "digits_impl.h"

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_BYTES ((size_t)1 << 15) /* as long a number comes from the arena */
#define ARENA_BYTES_PER_DIGIT 32     /* of addresses: what is used is less than 20 */

static _Thread_local digits_run *current;
static _Thread_local jmp_buf *way_out;

digits_run *digits_run_new(int64_t digits, int threads)
{
    digits_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return NULL;
    run->digits = digits;
    run->threads = threads;
    run->blocks.next = run->blocks.previous = &run->blocks;
    pthread_mutex_init(&run->mutex, NULL);
    pthread_cond_init(&run->ended, NULL);
    digits_arena_open(&run->arena, (size_t)digits * ARENA_BYTES_PER_DIGIT);
    return run;
}

void digits_run_free(digits_run *run)
{
    digits_block *block = run->blocks.next;
    while (block != &run->blocks) {
        digits_block *next = block->next;
        free(block);
        block = next;
    }
    digits_arena_close(&run->arena);
    free(run->result.bytes);
    pthread_cond_destroy(&run->ended);
    pthread_mutex_destroy(&run->mutex);
    free(run);
}

static void link_block(digits_block *block)
{
    digits_block *ends = &current->blocks;
    pthread_mutex_lock(&current->mutex);
    block->next = ends->next;
    block->previous = ends;
    ends->next->previous = block;
    ends->next = block;
    pthread_mutex_unlock(&current->mutex);
}

static void unlink_block(digits_block *block)
{
    pthread_mutex_lock(&current->mutex);
    block->next->previous = block->previous;
    block->previous->next = block->next;
    pthread_mutex_unlock(&current->mutex);
}

static void *out_of_memory(size_t size)
{
    /* GMP offers no other way outside of our runs: it could not go on. */
    fprintf(stderr, "GMP: cannot allocate %zu bytes\n", size);
    abort();
}

/* In a run; NULL when memory is short. */
static void *obtain(size_t size)
{
    if (size >= LONG_BYTES) {
        pthread_mutex_lock(&current->mutex);
        void *place = digits_arena_cut(&current->arena, size);
        pthread_mutex_unlock(&current->mutex);
        if (place != NULL)
            return place;
    }
    digits_block *block = malloc(sizeof *block + size);
    if (block == NULL)
        return NULL;
    link_block(block);
    return block + 1;
}

static void give_back(void *place)
{
    if (digits_arena_holds(&current->arena, place)) {
        pthread_mutex_lock(&current->mutex);
        digits_arena_give_back(&current->arena, place);
        pthread_mutex_unlock(&current->mutex);
        return;
    }
    digits_block *block = (digits_block *)place - 1;
    unlink_block(block);
    free(block);
}

static void *allocate(size_t size)
{
    if (current == NULL) {
        void *place = malloc(size);
        return place != NULL ? place : out_of_memory(size);
    }
    digits_poll(0);
    void *place = obtain(size);
    if (place == NULL)
        digits_give_up(TELPHER_NO_MEMORY);
    return place;
}

static void *reallocate(void *place, size_t old_size, size_t size)
{
    if (current == NULL) {
        void *moved = realloc(place, size);
        return moved != NULL ? moved : out_of_memory(size);
    }
    digits_poll(0);
    if (digits_arena_holds(&current->arena, place)) {
        pthread_mutex_lock(&current->mutex);
        int is_resized = digits_arena_resize(&current->arena, place, size);
        pthread_mutex_unlock(&current->mutex);
        if (is_resized)
            return place;
    }
    void *moved = obtain(size);
    if (moved == NULL)
        digits_give_up(TELPHER_NO_MEMORY);
    memcpy(moved, place, old_size < size ? old_size : size);
    give_back(place);
    return moved;
}

static void release(void *place, size_t size)
{
    (void)size;
    if (current == NULL)
        free(place);
    else
        give_back(place);
}

void digits_set_up(void)
{
    mp_set_memory_functions(allocate, reallocate, release);
}

int digits_enter(digits_run *run, void (*work)(void *), void *argument)
{
    digits_run *run_before = current;
    jmp_buf *out_before = way_out;
    jmp_buf out;
    int status = setjmp(out);
    if (status == 0) {
        current = run;
        way_out = &out;
        work(argument);
    }
    current = run_before;
    way_out = out_before;
    return status;
}

void digits_poll(int64_t work)
{
    if (work > 0)
        __atomic_fetch_add(&current->done, work, __ATOMIC_RELAXED);
    int status = __atomic_load_n(&current->stop, __ATOMIC_RELAXED);
    if (status != 0)
        longjmp(*way_out, status);
}

void digits_give_up(int status)
{
    int32_t none = 0;
    __atomic_compare_exchange_n(&current->stop, &none, status, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    longjmp(*way_out, __atomic_load_n(&current->stop, __ATOMIC_RELAXED));
}

digits_run *digits_current(void)
{
    return current;
}
