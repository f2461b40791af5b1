// The buffers that the kernel receives into, and the queues of those that are to be sent.
#pragma once

#include <liburing.h>

enum { BUFFER_SIZE = 16 * 1024, BUFFERS_MAX = 4096, BUFFER_GROUP = 0, NO_BUFFER = -1 };

struct buffers {
  struct io_uring_buf_ring *ring;
  char *memory;
  // How many there are, and how many of them hold what is to be sent.
  int count, held;
  // What is in each, and the one after it in its connection's queue.
  int lengths[BUFFERS_MAX];
  int next[BUFFERS_MAX];
};

void open_buffers(struct buffers *buffers, struct io_uring *ring);

static inline char *buffer_bytes(const struct buffers *buffers, int number) {
  return buffers->memory + (size_t)number * BUFFER_SIZE;
}

// Twice as many, as far as there is room for more.
void grow_buffers(struct buffers *buffers);

// The kernel took this one. It is held until it is given back.
void hold_buffer(struct buffers *buffers, int number, int length);
void give_back_buffer(struct buffers *buffers, int number);
