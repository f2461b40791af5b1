// The kernel goes on receiving while a connection's messages are sent, one after the other. Two
// things stop it, after both of which it is told to begin again:
//
// - There is no buffer left (ENOBUFS): the connection waits in line until one is given back.
// - The peer does not read: with QUEUE_MAX buffers queued, the receive is cancelled until half of
//   them are sent, so that one connection cannot take the buffers of all.
#define _GNU_SOURCE 1
#include "multishot_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fail.h"
#include "uring_ring.h"

enum { QUEUE_MAX = 16 };

static void receive(struct server *server, struct connection *connection) {
  struct io_uring_sqe *submission = next_submission(&server->ring);
  io_uring_prep_recv_multishot(submission, connection->descriptor, NULL, 0, 0);
  io_uring_sqe_set_flags(submission, IOSQE_BUFFER_SELECT);
  submission->buf_group = BUFFER_GROUP;
  io_uring_sqe_set_data64(submission, (uintptr_t)connection | RECEIVE_TAG);
  connection->is_receiving = 1;
}

static void stop_receiving(struct server *server, struct connection *connection) {
  struct io_uring_sqe *submission = next_submission(&server->ring);
  io_uring_prep_cancel64(submission, (uintptr_t)connection | RECEIVE_TAG, 0);
  io_uring_sqe_set_data64(submission, CANCEL_DATA);
  connection->is_stopping = 1;
}

static void send_first(struct server *server, struct connection *connection) {
  int number = connection->first;
  struct io_uring_sqe *submission = next_submission(&server->ring);
  // MSG_WAITALL has the kernel go on by itself where the socket takes a part.
  io_uring_prep_send(submission, connection->descriptor,
                     buffer_bytes(&server->buffers, number) + connection->sent,
                     (size_t)(server->buffers.lengths[number] - connection->sent),
                     MSG_NOSIGNAL | MSG_WAITALL);
  io_uring_sqe_set_data64(submission, (uintptr_t)connection | SEND_TAG);
}

static void enqueue(struct server *server, struct connection *connection, int number) {
  if (connection->queued > 0) {
    server->buffers.next[connection->last] = number;
  } else {
    connection->first = number;
  }
  connection->last = number;
  connection->queued++;
}

static void dequeue(struct server *server, struct connection *connection) {
  int number = connection->first;
  connection->first = server->buffers.next[number];
  connection->sent = 0;
  connection->queued--;
  give_back_buffer(&server->buffers, number);
}

static void wait_in_line(struct server *server, struct connection *connection) {
  connection->is_waiting = 1;
  connection->next_waiting = NULL;
  *server->last_waiting = connection;
  server->last_waiting = &connection->next_waiting;
}

// What is to become of it after something has ended.
static void go_on(struct server *server, struct connection *connection) {
  if (connection->is_receiving || connection->is_waiting) return;
  if (!connection->has_ended) {
    if (connection->queued <= QUEUE_MAX / 2) receive(server, connection);
  } else if (connection->queued == 0) {
    close(connection->descriptor);
    free(connection);
  }
}

static void take_message(struct server *server, struct connection *connection, int number,
                         int length) {
  hold_buffer(&server->buffers, number, length);
  if (length <= 0 || connection->has_ended) {
    give_back_buffer(&server->buffers, number);
    return;
  }
  enqueue(server, connection, number);
  if (connection->queued == 1) send_first(server, connection);
}

void received(struct server *server, struct connection *connection,
              const struct io_uring_cqe *completion) {
  int result = completion->res;
  if ((completion->flags & IORING_CQE_F_BUFFER) != 0) {
    take_message(server, connection, (int)(completion->flags >> IORING_CQE_BUFFER_SHIFT), result);
  }
  if ((completion->flags & IORING_CQE_F_MORE) != 0) {
    _Bool is_too_much = connection->queued >= QUEUE_MAX;
    if (is_too_much && !connection->is_stopping) stop_receiving(server, connection);
    return;
  }
  connection->is_receiving = 0;
  connection->is_stopping = 0;
  if (result == -ENOBUFS) {
    wait_in_line(server, connection);
    grow_buffers(&server->buffers);
  } else if (result <= 0 && result != -ECANCELED) {
    connection->has_ended = 1;
  }
  go_on(server, connection);
}

void sent(struct server *server, struct connection *connection, int result) {
  if (result <= 0) {
    // It is broken. The receive, if there is one, is to notice now.
    connection->has_ended = 1;
    shutdown(connection->descriptor, SHUT_RDWR);
    while (connection->queued > 0) dequeue(server, connection);
  } else {
    connection->sent += result;
    int length = server->buffers.lengths[connection->first];
    if (connection->sent == length) dequeue(server, connection);
    if (connection->queued > 0) send_first(server, connection);
  }
  go_on(server, connection);
}

void serve_waiting(struct server *server) {
  int available = server->buffers.count - server->buffers.held;
  while (server->first_waiting != NULL && available > 0) {
    struct connection *connection = server->first_waiting;
    server->first_waiting = connection->next_waiting;
    if (server->first_waiting == NULL) server->last_waiting = &server->first_waiting;
    connection->is_waiting = 0;
    go_on(server, connection);
    available--;
  }
}

void start_connection(struct server *server, int descriptor) {
  struct connection *connection = calloc(1, sizeof *connection);
  if (connection == NULL) fail("No memory for a connection", errno);
  connection->descriptor = descriptor;
  receive(server, connection);
}
