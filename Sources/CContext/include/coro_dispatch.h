// Who runs, who is next, and the way from one to the other that needs nothing else.
//
// The rest of the scheduler is Swift. This is C so that `coro_yield` is compiled into the very
// function that yields: what it has in registers is saved once, and nothing is called.
#pragma once

#include "coro_run_queue.h"
#include "coro_runtime.h"

// What a switch touches of a scheduler, whose first member it is.
typedef struct coro_dispatcher {
  // First: the report of a stack overflow and the handlers of fork(2) find it there.
  coro_context *running;
  coro_run_queue queue;
  // When the queue's head has come so far, it is time to think of others than who can run: a switch
  // costs one of a budget without counting anything that is not counted anyway.
  int64_t poll_at;
  coro_words words;
  // What the backend has yet to report.
  int64_t operations_in_flight;
} coro_dispatcher;

typedef enum coro_yield_outcome {
  // All others that can run have had their turn.
  CORO_YIELDED,
  // So they have, and the coroutine is cancelled.
  CORO_YIELDED_CANCELLED,
  // Nothing was done, and there is more to do than to switch, or nobody to switch to.
  CORO_YIELD_REFUSED,
} coro_yield_outcome;

// Puts the running coroutine at the end of the run queue and switches to the first one.
static inline __attribute__((always_inline)) coro_yield_outcome coro_yield(void) {
  coro_dispatcher *dispatcher = coro_thread_state()->scheduler;
  if (dispatcher == NULL) return CORO_YIELD_REFUSED;
  coro_run_queue *queue = &dispatcher->queue;
  int64_t head = queue->head, count = queue->count;
  if (head + 1 >= dispatcher->poll_at) return CORO_YIELD_REFUSED;
  // One comparison for both ends of what is the rule.
  if ((uint64_t)count - 1 >= CORO_LENGTH_TO_PREFETCH - 1) {
    if (count == 0) return CORO_YIELD_REFUSED;
    coro_run_queue_prefetch(queue, head + 1);
  }
  if (coro_words_matter(&dispatcher->words)) return CORO_YIELD_REFUSED;
  coro_context *next = *coro_run_queue_slot(queue, head);
  *coro_run_queue_slot(queue, head + count) = dispatcher->running;
  queue->head = head + 1;
  coro_context *me = dispatcher->running;
  dispatcher->running = next;
  coro_arrival arrival = coro_context_jump(me, next);
  // After the others' turn, so that a cancellation by one of them ends this very call.
  return arrival.here->owner.cancellation ? CORO_YIELDED_CANCELLED : CORO_YIELDED;
}

// Makes ready who waits for an operation that was reported.
//
// False: nothing was done, because nobody waits, or there is more to do than that.
static inline __attribute__((always_inline)) _Bool coro_deliver(coro_dispatcher *dispatcher,
                                                                void *waiting,
                                                                const void *operation) {
  coro_context *waiter = waiting;
  if (waiter == NULL || waiter->owner.operation != operation || waiter->owner.timer_place >= 0) {
    return 0;
  }
  // Reported again, it would not be found.
  waiter->owner.operation = NULL;
  waiter->owner.wait = CORO_WAIT_NOTHING;
  dispatcher->operations_in_flight--;
  coro_run_queue *queue = &dispatcher->queue;
  *coro_run_queue_slot(queue, queue->head + queue->count) = waiter;
  queue->count++;
  return 1;
}
