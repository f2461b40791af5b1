// The limit of `pipe`: the four system calls of a round trip, made by one thread, in an order in
// which none of them has to wait. There is no loop, no second context and no epoll, so that this is
// what a peer's figure is to be compared with, not a program that one might write instead.
#define _GNU_SOURCE 1
#include "limit_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "clocks.h"
#include "fail.h"
#include "figures.h"
#include "steps.h"

struct pipe_ends {
  int reader, writer;
};

struct trip {
  struct pipe_ends there, back;
  char *buffer;
  size_t size;
};

static struct pipe_ends make_pipe(size_t size) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2", errno);
  // A message that did not fit would block its only reader.
  int capacity = fcntl(ends[1], F_GETPIPE_SZ);
  if (capacity < 0 || (size_t)capacity < size) {
    fail_usage("A message of %zu bytes does not fit a pipe, which holds %d.", size, capacity);
  }
  return (struct pipe_ends){.reader = ends[0], .writer = ends[1]};
}

static void pass(struct pipe_ends ends, char *buffer, size_t size) {
  if (write(ends.writer, buffer, size) != (ssize_t)size) fail("write", errno);
  if (read(ends.reader, buffer, size) != (ssize_t)size) fail("read", errno);
}

static struct steps make_trips(void *context, long wanted) {
  const struct trip *trip = context;
  int64_t start = cpu_now();
  for (long count = 0; count < wanted; count++) {
    pass(trip->there, trip->buffer, trip->size);
    pass(trip->back, trip->buffer, trip->size);
  }
  return (struct steps){.count = wanted, .nanoseconds = cpu_now() - start};
}

void measure_limit_pipe(const struct round *round) {
  size_t size = (size_t)round_number(round, "size");
  struct trip trip = {make_pipe(size), make_pipe(size), calloc(1, size), size};
  if (trip.buffer == NULL) fail("No memory for a message", errno);
  print_figure("CPU", nanoseconds_per_step(round->duration, make_trips, &trip) / 1000);
}
