// A connection has its own buffer. What was received is sent by one submission, to which the next
// receive is linked: it begins when all is sent. Such a chain has one completion, the receive's or,
// if that fails, the send's; so that a message costs one completion and, where only one is under
// way, one io_uring_enter.
#define _GNU_SOURCE 1
#include "uring_echo.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fail.h"
#include "uring_ring.h"

enum { ECHO_MAX = 16 * 1024 };

struct connection {
  int descriptor;
  // What is being sent: BUFFER from SENT on, up to COUNT.
  size_t sent, count;
  char buffer[ECHO_MAX];
};

// User data is a connection's address, with this in the lowest bit if it is of a send. That of the
// acceptance is 0.
enum { SEND_BIT = 1 };

static void receive(struct io_uring *ring, struct connection *connection) {
  struct io_uring_sqe *submission = next_submission(ring);
  io_uring_prep_recv(submission, connection->descriptor, connection->buffer, ECHO_MAX, 0);
  io_uring_sqe_set_data(submission, connection);
}

static void send_and_receive(struct io_uring *ring, struct connection *connection) {
  // A chain must be submitted as a whole.
  make_room(ring, 2);
  struct io_uring_sqe *submission = next_submission(ring);
  // MSG_WAITALL has the kernel go on by itself where the socket takes a part.
  io_uring_prep_send(submission, connection->descriptor, connection->buffer + connection->sent,
                     connection->count - connection->sent, MSG_NOSIGNAL | MSG_WAITALL);
  io_uring_sqe_set_data64(submission, (uint64_t)(uintptr_t)connection | SEND_BIT);
  io_uring_sqe_set_flags(submission, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
  receive(ring, connection);
}

static void close_connection(struct connection *connection) {
  close(connection->descriptor);
  free(connection);
}

static void received(struct io_uring *ring, struct connection *connection, int result) {
  if (result > 0) {
    connection->sent = 0;
    connection->count = (size_t)result;
    send_and_receive(ring, connection);
  } else {
    close_connection(connection);
  }
}

// The send failed or fell short, so that the receive after it was cancelled, silently.
static void send_fell_short(struct io_uring *ring, struct connection *connection, int result) {
  if (result > 0) {
    connection->sent += (size_t)result;
    send_and_receive(ring, connection);
  } else {
    close_connection(connection);
  }
}

static void start_connection(struct io_uring *ring, int descriptor) {
  // Not cleared: pages of the buffer that no message needs stay untouched.
  struct connection *connection = malloc(sizeof *connection);
  if (connection == NULL) fail("No memory for a connection", errno);
  connection->descriptor = descriptor;
  receive(ring, connection);
}

static void handle(struct io_uring *ring, int listener, const struct io_uring_cqe *completion) {
  if (completion->user_data == 0) {
    int descriptor = accepted(ring, listener, completion);
    if (descriptor >= 0) start_connection(ring, descriptor);
    return;
  }
  uintptr_t address = (uintptr_t)completion->user_data & ~(uintptr_t)SEND_BIT;
  struct connection *connection = (struct connection *)address;
  if ((completion->user_data & SEND_BIT) != 0) {
    send_fell_short(ring, connection, completion->res);
  } else {
    received(ring, connection, completion->res);
  }
}

void serve_uring_echo(int listener) {
  struct io_uring ring;
  open_ring(&ring);
  start_accepting(&ring, listener, 0);
  while (1) {
    submit_and_wait(&ring);
    unsigned head, count = 0;
    struct io_uring_cqe *completion;
    io_uring_for_each_cqe(&ring, head, completion) {
      handle(&ring, listener, completion);
      count++;
    }
    io_uring_cq_advance(&ring, count);
  }
}
