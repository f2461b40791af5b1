// What both servers with io_uring have in common: the ring of a thread, and its connections' start.
#pragma once

#include <liburing.h>

// Sets up the ring of the calling thread, which alone may use it.
void open_ring(struct io_uring *ring);

// Submits what is in the queue and waits for one completion.
void submit_and_wait(struct io_uring *ring);

// Submits what is in the queue if it has not room for so many more.
void make_room(struct io_uring *ring, unsigned count);

// A free submission; there always is one.
struct io_uring_sqe *next_submission(struct io_uring *ring);

// Accepts one connection after the other, with a completion for each. TAG is their user data.
void start_accepting(struct io_uring *ring, int listener, uint64_t tag);

// The descriptor that a completion of it brought, or -1 if it brought none. Starts it again if the
// kernel has stopped.
int accepted(struct io_uring *ring, int listener, const struct io_uring_cqe *completion);
