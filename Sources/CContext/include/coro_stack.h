// Address space for stacks.
#pragma once

#include <stddef.h>

// Reserves `size` bytes of address space, page-aligned, of which only touched pages are paid for.
// NULL with errno set on failure.
void *coro_stack_reserve(size_t size);

void coro_stack_release(void *low, size_t size);

// Makes [low, low + size) a guard: touching it is a segmentation fault. 0, or -1 with errno set.
int coro_stack_guard(void *low, size_t size);

// Gives the whole pages of [low, low + size), whose start is page-aligned, back to the kernel if
// any of them is resident.
// 1 if it did so, 0 if there was nothing to give.
int coro_stack_trim(void *low, size_t size);
