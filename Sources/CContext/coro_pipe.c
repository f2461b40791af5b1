#include "coro_pipe.h"

#include <stdlib.h>

coro_pipe *coro_pipe_create(void) {
  coro_pipe *pipe = malloc(sizeof *pipe);
  if (pipe != NULL) *pipe = (coro_pipe){.references = 2, .forks = coro_forks()};
  return pipe;
}

void coro_pipe_release(coro_pipe *pipe) {
  if (pipe != NULL && __atomic_sub_fetch(&pipe->references, 1, __ATOMIC_ACQ_REL) == 0) free(pipe);
}
