// fork(2): the parent's loops are dead in the child.
//
// A child has one thread, and the descriptors through which the parent's loops speak to the kernel
// are the parent's too: a call on one of them from the child would be felt there. So the child
// closes its copies and never looks at those loops again. Children made without fork's handlers
// (vfork, posix_spawn, a bare clone) are meant to execute another program.
#pragma once

#include "coro_runtime.h"

// A loop, in the list of those that live.
typedef struct coro_loop {
  void *scheduler;
  // No other loop has or had it, nor is it 0; an address may be given to another loop one day.
  uint64_t number;
  struct coro_loop *next;
  struct coro_loop *previous;
} coro_loop;

// How often this process has been about to fork since it had a loop.
extern uint32_t coro_fork_count;

static inline __attribute__((always_inline)) uint32_t coro_forks(void) {
  return __atomic_load_n(&coro_fork_count, __ATOMIC_RELAXED);
}

// Called in the child for each loop that the parent had. It takes no lock and allocates nothing:
// the parent's other threads are gone, with what they held.
typedef void (*coro_loop_abandon)(void *scheduler);

// Has fork looked at, once a process.
void coro_fork_watch(coro_loop_abandon abandon);

typedef enum coro_loop_state {
  CORO_LOOP_ENDED,
  CORO_LOOP_ALIVE,
  // It is the parent's (or grandparent's), and this is a forked child.
  CORO_LOOP_ABANDONED,
} coro_loop_state;

// What has become of the loop with this number; of 0, which is no loop's, CORO_LOOP_ENDED.
coro_loop_state coro_loop_state_of(uint64_t number);

// Adds the loop whose scheduler this is; `loop` stays at its address until it is removed.
void coro_loop_add(coro_loop *loop, void *scheduler);
void coro_loop_remove(coro_loop *loop);

// True in a forked child if this was a loop of its parent's (or grandparent's). The pointer is only
// compared.
_Bool coro_loop_is_abandoned(const void *scheduler);

// True in a forked child if the parent had a loop.
_Bool coro_fork_lost_loops(void);
