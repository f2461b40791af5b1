// A pipe that the library made: what its two ends have in common.
#pragma once

#include "coro_fork.h"

#include <stdint.h>

// Each end's object has one reference, and may be gone on another thread than the other's.
typedef struct coro_pipe {
  uint32_t references;
  // `coro_forks` when it was made: a child of a later fork has both ends.
  uint32_t forks;
  // The number of the loop that uses it; 0: none has yet.
  uint64_t loop;
  // Somebody was told an end's number, and may have handed it to anybody, or another loop has used
  // an end, and nobody counts what both have moved.
  _Bool is_shared;
} coro_pipe;

// With two references, before the pipe is made; NULL: there is no memory.
coro_pipe *coro_pipe_create(void);

// Gives one up. NULL is ignored.
void coro_pipe_release(coro_pipe *pipe);

// Says that others may have its ends from now on. NULL is ignored.
static inline void coro_pipe_share(coro_pipe *pipe) {
  if (pipe != NULL) __atomic_store_n(&pipe->is_shared, 1, __ATOMIC_RELAXED);
}

// Says that the loop of this number uses an end. NULL is ignored.
static inline void coro_pipe_use(coro_pipe *pipe, uint64_t loop) {
  uint64_t user = 0;
  if (pipe == NULL || __atomic_compare_exchange_n(&pipe->loop, &user, loop, 0, __ATOMIC_RELAXED,
                                                  __ATOMIC_RELAXED)) {
    return;
  }
  if (user != loop) coro_pipe_share(pipe);
}

// Whether nobody else can have an end: only its objects know the numbers, one loop has used them,
// no fork(2) has copied them, and a program that is executed does not inherit them. False for NULL.
static inline __attribute__((always_inline)) _Bool coro_pipe_is_private(const coro_pipe *pipe) {
  return pipe != NULL && !__atomic_load_n(&pipe->is_shared, __ATOMIC_RELAXED) &&
         pipe->forks == coro_forks();
}
