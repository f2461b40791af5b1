#define _GNU_SOURCE 1
#include "multishot_buffers.h"

#include <errno.h>
#include <sys/mman.h>

#include "fail.h"

// The kernel takes the buffers in turn, so that all of them pass through the cache: there are only
// as many as have been of use.
enum { BUFFERS_AT_FIRST = 64 };

static void *reserve(size_t size) {
  void *memory =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("mmap", errno);
  return memory;
}

static void provide(struct buffers *buffers, int number) {
  int mask = io_uring_buf_ring_mask(BUFFERS_MAX);
  io_uring_buf_ring_add(buffers->ring, buffer_bytes(buffers, number), BUFFER_SIZE,
                        (unsigned short)number, mask, 0);
  io_uring_buf_ring_advance(buffers->ring, 1);
}

static void provide_more(struct buffers *buffers, int count) {
  for (int number = buffers->count; number < count; number++) provide(buffers, number);
  buffers->count = count;
}

void open_buffers(struct buffers *buffers, struct io_uring *ring) {
  buffers->ring = reserve(BUFFERS_MAX * sizeof(struct io_uring_buf));
  buffers->memory = reserve((size_t)BUFFERS_MAX * BUFFER_SIZE);
  struct io_uring_buf_reg registration = {
      .ring_addr = (uintptr_t)buffers->ring,
      .ring_entries = BUFFERS_MAX,
      .bgid = BUFFER_GROUP,
  };
  int result = io_uring_register_buf_ring(ring, &registration, 0);
  if (result < 0) fail("io_uring_register_buf_ring", -result);
  io_uring_buf_ring_init(buffers->ring);
  buffers->count = 0;
  buffers->held = 0;
  provide_more(buffers, BUFFERS_AT_FIRST);
}

void grow_buffers(struct buffers *buffers) {
  if (buffers->count < BUFFERS_MAX) provide_more(buffers, buffers->count * 2);
}

void hold_buffer(struct buffers *buffers, int number, int length) {
  buffers->lengths[number] = length;
  buffers->next[number] = NO_BUFFER;
  buffers->held++;
}

void give_back_buffer(struct buffers *buffers, int number) {
  buffers->held--;
  provide(buffers, number);
}
