#define _GNU_SOURCE
#include "digits_impl.h"

#include <sys/mman.h>

#define ALIGNMENT 64
#define SMALLEST_REST ((size_t)1 << 14) /* less than this is not worth a piece of its own */
#define GIVEN_BACK_BYTES ((size_t)2 << 20) /* at once */

/* Before each piece, used or free; the pieces follow one another without gaps. */
struct digits_piece {
    size_t size; /* with this head */
    digits_piece *before; /* its neighbour; NULL for the first */
    digits_piece *next, *previous; /* of the free pieces, in no order */
    int is_free;
} __attribute__((aligned(ALIGNMENT)));

static digits_piece *behind(const digits_arena *arena, digits_piece *piece)
{
    char *end = (char *)piece + piece->size;
    return end < arena->start + arena->size ? (digits_piece *)end : NULL;
}

static void put_on_list(digits_arena *arena, digits_piece *piece)
{
    piece->is_free = 1;
    piece->previous = NULL;
    piece->next = arena->free;
    if (arena->free != NULL)
        arena->free->previous = piece;
    arena->free = piece;
}

static void take_off_list(digits_arena *arena, digits_piece *piece)
{
    piece->is_free = 0;
    if (piece->previous != NULL)
        piece->previous->next = piece->next;
    else
        arena->free = piece->next;
    if (piece->next != NULL)
        piece->next->previous = piece->previous;
}

/* Make two of one, the first of `size`; the second is free. */
static void split(digits_arena *arena, digits_piece *piece, size_t size)
{
    if (piece->size - size < SMALLEST_REST)
        return;
    digits_piece *rest = (digits_piece *)((char *)piece + size), *next = behind(arena, piece);
    rest->size = piece->size - size;
    rest->before = piece;
    piece->size = size;
    if (next != NULL)
        next->before = rest;
    put_on_list(arena, rest);
}

/* Add the free neighbour behind, if there is one. */
static void swallow_behind(digits_arena *arena, digits_piece *piece)
{
    digits_piece *next = behind(arena, piece);
    if (next == NULL || !next->is_free)
        return;
    take_off_list(arena, next);
    piece->size += next->size;
    next = behind(arena, piece);
    if (next != NULL)
        next->before = piece;
}

static void touch(digits_arena *arena, const digits_piece *piece)
{
    size_t end = (size_t)((const char *)piece - arena->start) + piece->size;
    if (arena->touched_bytes < end)
        arena->touched_bytes = end;
}

static size_t with_head(size_t size)
{
    return (sizeof(digits_piece) + size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void digits_arena_open(digits_arena *arena, size_t size)
{
    size = with_head(size);
    char *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return;
    *arena = (digits_arena){.start = start, .size = size};
    digits_piece *whole = (digits_piece *)start;
    whole->size = size;
    put_on_list(arena, whole);
}

void *digits_arena_cut(digits_arena *arena, size_t size)
{
    digits_piece *lowest = NULL;
    size = with_head(size);
    for (digits_piece *piece = arena->free; piece != NULL; piece = piece->next)
        if (piece->size >= size && (lowest == NULL || piece < lowest))
            lowest = piece;
    if (lowest == NULL)
        return NULL;
    take_off_list(arena, lowest);
    split(arena, lowest, size);
    touch(arena, lowest);
    return lowest + 1;
}

int digits_arena_resize(digits_arena *arena, void *place, size_t size)
{
    digits_piece *piece = (digits_piece *)place - 1;
    size = with_head(size);
    if (piece->size < size) {
        digits_piece *next = behind(arena, piece);
        if (next == NULL || !next->is_free || piece->size + next->size < size)
            return 0;
        swallow_behind(arena, piece);
    }
    split(arena, piece, size);
    touch(arena, piece);
    return 1;
}

void digits_arena_give_back(digits_arena *arena, void *place)
{
    digits_piece *piece = (digits_piece *)place - 1;
    swallow_behind(arena, piece);
    put_on_list(arena, piece);
    if (piece->before != NULL && piece->before->is_free)
        swallow_behind(arena, piece->before);
}

int digits_arena_holds(const digits_arena *arena, const void *place)
{
    return arena->start != NULL && (const char *)place >= arena->start && (const char *)place < arena->start + arena->size;
}

void digits_arena_close(digits_arena *arena)
{
    if (arena->start == NULL)
        return;
    for (size_t given = 0; given < arena->touched_bytes; given += GIVEN_BACK_BYTES) {
        size_t left = arena->size - given;
        madvise(arena->start + given, left < GIVEN_BACK_BYTES ? left : GIVEN_BACK_BYTES, MADV_DONTNEED);
    }
    munmap(arena->start, arena->size);
}
