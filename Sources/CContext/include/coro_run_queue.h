// The coroutines that can run, first in, first out: a ring of references in one block of memory.
//
// They are not linked through their records, because the memory of a coroutine that has not run for
// some time has left the processor's caches, and the links would have to be waited for, one after
// the other. Here it is known who comes after the next, and their memory is asked for in advance.
//
// It is C, because a yield is a part of the program that yields: see `coro_dispatch.h`.
#pragma once

#include "coro_context.h"

#include <stdint.h>

// All zero: empty, and without room.
typedef struct coro_run_queue {
  coro_context **slots;
  // The length of the block, a power of two, less one: so many have room.
  int64_t mask;
  // Where the first one is; counts on and on, and wraps around.
  int64_t head;
  int64_t count;
} coro_run_queue;

enum {
  // With fewer than so many, all their memory is in the caches anyway.
  CORO_LENGTH_TO_PREFETCH = 32,
  // How many places ahead a record is asked for, and then, as it says where, the stack.
  CORO_RECORD_DISTANCE = 6,
  CORO_STACK_DISTANCE = 3,
};

// Makes room for `wanted` coroutines or more. False: there is no memory.
_Bool coro_run_queue_grow(coro_run_queue *queue, int64_t wanted);

// The queue has a block where there is an index.
static inline __attribute__((always_inline)) coro_context **coro_run_queue_slot(
    const coro_run_queue *queue, int64_t index) {
  return &queue->slots[index & queue->mask];
}

// Asks for the memory of who comes next but some, where `head` is the first one's place.
static inline __attribute__((always_inline)) void coro_run_queue_prefetch(
    const coro_run_queue *queue, int64_t head) {
  coro_prefetch(*coro_run_queue_slot(queue, head + CORO_RECORD_DISTANCE));
  coro_prefetch_stack(*coro_run_queue_slot(queue, head + CORO_STACK_DISTANCE));
}

// Takes the first one out; NULL if there is none.
static inline __attribute__((always_inline)) coro_context *coro_run_queue_pop(
    coro_run_queue *queue) {
  if (queue->count == 0) return NULL;
  int64_t head = queue->head;
  coro_context *first = *coro_run_queue_slot(queue, head);
  queue->head = head + 1;
  queue->count -= 1;
  if (queue->count >= CORO_LENGTH_TO_PREFETCH) coro_run_queue_prefetch(queue, head + 1);
  return first;
}
