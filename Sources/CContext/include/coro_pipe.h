// A pipe that the library made: what its two ends have in common.
#pragma once

#include "coro_fork.h"

#include <stdint.h>

// Each end's object has one reference, and may be gone on another thread than the other's.
typedef struct coro_pipe {
  uint32_t references;
  // `coro_forks` when it was made: a child of a later fork has both ends.
  uint32_t forks;
  // Somebody was told an end's number, and may have handed it to anybody.
  _Bool is_known;
} coro_pipe;

// With two references; NULL: there is no memory.
coro_pipe *coro_pipe_create(void);

// Gives one up. NULL is ignored.
void coro_pipe_release(coro_pipe *pipe);

// Says that others may have its ends from now on.
static inline void coro_pipe_tell(coro_pipe *pipe) {
  if (pipe != NULL) __atomic_store_n(&pipe->is_known, 1, __ATOMIC_RELAXED);
}

// Whether nobody else can have an end: only its objects know the numbers, no fork(2) has copied
// them, and a program that is executed does not inherit them. False for NULL.
static inline __attribute__((always_inline)) _Bool coro_pipe_is_private(const coro_pipe *pipe) {
  return pipe != NULL && !__atomic_load_n(&pipe->is_known, __ATOMIC_RELAXED) &&
         pipe->forks == coro_forks();
}
