#include "coro_run_queue.h"

#include <stdlib.h>

_Bool coro_run_queue_grow(coro_run_queue *queue, int64_t wanted) {
  coro_run_queue larger = *queue;
  int64_t length = 64;
  while (length <= wanted || length <= queue->mask) length *= 2;
  larger.slots = malloc((size_t)length * sizeof *larger.slots);
  if (larger.slots == NULL) return 0;
  larger.mask = length - 1;
  for (int64_t i = queue->head; i < queue->head + queue->count; i++) {
    *coro_run_queue_slot(&larger, i) = *coro_run_queue_slot(queue, i);
  }
  free(queue->slots);
  *queue = larger;
  return 1;
}
