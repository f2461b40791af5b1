#define _GNU_SOURCE 1
#include "multishot_echo.h"

#include <errno.h>
#include <stdlib.h>

#include "fail.h"
#include "multishot_connection.h"
#include "uring_ring.h"

static void handle(struct server *server, int listener, const struct io_uring_cqe *completion) {
  uint64_t data = completion->user_data;
  if (data == ACCEPT_DATA) {
    int descriptor = accepted(&server->ring, listener, completion);
    if (descriptor >= 0) start_connection(server, descriptor);
  } else if (data != CANCEL_DATA) {
    struct connection *connection = (struct connection *)(uintptr_t)(data & ~(uint64_t)TAG_BITS);
    if ((data & TAG_BITS) == SEND_TAG) {
      sent(server, connection, completion->res);
    } else {
      received(server, connection, completion);
    }
  }
}

void serve_multishot_echo(int listener) {
  struct server *server = calloc(1, sizeof *server);
  if (server == NULL) fail("No memory for a server", errno);
  server->last_waiting = &server->first_waiting;
  open_ring(&server->ring);
  open_buffers(&server->buffers, &server->ring);
  start_accepting(&server->ring, listener, ACCEPT_DATA);
  while (1) {
    submit_and_wait(&server->ring);
    unsigned head, count = 0;
    struct io_uring_cqe *completion;
    io_uring_for_each_cqe(&server->ring, head, completion) {
      handle(server, listener, completion);
      count++;
    }
    io_uring_cq_advance(&server->ring, count);
    serve_waiting(server);
  }
}
