#define _GNU_SOURCE 1
#include "uring_ring.h"

#include <errno.h>
#include <sys/socket.h>

#include "fail.h"

enum { SUBMISSIONS = 1024, COMPLETIONS = 16 * 1024 };

void open_ring(struct io_uring *ring) {
  // Completions are worked off when this thread waits for them, rather than by interrupting it.
  unsigned deferred = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  struct io_uring_params wished = {
      .flags = IORING_SETUP_CQSIZE | deferred,
      .cq_entries = COMPLETIONS,
  };
  struct io_uring_params parameters = wished;
  int result = io_uring_queue_init_params(SUBMISSIONS, ring, &parameters);
  if (result == -EINVAL) {
    // A kernel before 6.1.
    parameters = wished;
    parameters.flags &= ~deferred;
    result = io_uring_queue_init_params(SUBMISSIONS, ring, &parameters);
  }
  if (result < 0) fail("io_uring_setup", -result);
  // It saves each io_uring_enter a look-up of the descriptor. A kernel before 5.18 has none of it.
  (void)io_uring_register_ring_fd(ring);
}

// What a full queue of completions and a signal bring passes by itself.
static void check(int result) {
  if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
    fail("io_uring_enter", -result);
  }
}

void submit_and_wait(struct io_uring *ring) {
  check(io_uring_submit_and_wait(ring, 1));
}

void make_room(struct io_uring *ring, unsigned count) {
  while (io_uring_sq_space_left(ring) < count) check(io_uring_submit(ring));
}

struct io_uring_sqe *next_submission(struct io_uring *ring) {
  make_room(ring, 1);
  return io_uring_get_sqe(ring);
}

void start_accepting(struct io_uring *ring, int listener, uint64_t tag) {
  struct io_uring_sqe *submission = next_submission(ring);
  // Not SOCK_NONBLOCK: with it, io_uring would complete with EAGAIN rather than wait.
  io_uring_prep_multishot_accept(submission, listener, NULL, NULL, SOCK_CLOEXEC);
  io_uring_sqe_set_data64(submission, tag);
}

int accepted(struct io_uring *ring, int listener, const struct io_uring_cqe *completion) {
  int result = completion->res;
  if ((completion->flags & IORING_CQE_F_MORE) == 0) {
    start_accepting(ring, listener, completion->user_data);
  }
  if (result < 0 && result != -ECONNABORTED && result != -EINTR) fail("accept", -result);
  return result < 0 ? -1 : result;
}
