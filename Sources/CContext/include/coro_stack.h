// Address space for stacks.
#pragma once

#include <stddef.h>

// Where address space is limited stacks leave so much of it: a program whose malloc fails is not
// told that a coroutine can't start, it ends.
enum { CORO_STACK_HEADROOM = 2 * 1024 * 1024 };

// Reserves `size` bytes of address space, page-aligned, of which only touched pages are paid for.
// NULL with errno set on failure, also if the headroom is not there beside them.
void *coro_stack_reserve(size_t size);

void coro_stack_release(void *low, size_t size);

// Makes [low, low + size) a guard: touching it is a segmentation fault. 0, or -1 with errno set.
int coro_stack_guard(void *low, size_t size);

// How many guards are made with one call at most.
enum { CORO_GUARDS_AT_ONCE = 16 };

// Makes guards as `coro_stack_guard` does, at `low` and at each `stride` bytes above it: up to
// `count` of them where one call can do it, and else the first one. How many, or -1 with errno set.
int coro_stack_guard_row(void *low, size_t stride, size_t size, int count);

// Gives the whole pages of [low, low + size), whose start is page-aligned, back to the kernel if
// any of them is resident.
// 1 if it did so, 0 if there was nothing to give.
int coro_stack_trim(void *low, size_t size);
