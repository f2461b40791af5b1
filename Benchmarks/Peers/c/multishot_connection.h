// A connection of the server with multishot receive.
#pragma once

#include "multishot_buffers.h"

struct connection {
  int descriptor;
  // The buffers to be sent, in order: the first of them is under way.
  int first, last, queued;
  // How much of the first one the socket has taken.
  int sent;
  _Bool is_receiving;
  // The receive is being cancelled, since too much is queued.
  _Bool is_stopping;
  // It is in the line of those that wait for a buffer to receive into.
  _Bool is_waiting;
  // Nothing more will be received.
  _Bool has_ended;
  struct connection *next_waiting;
};

// What the connections of a thread share.
struct server {
  struct io_uring ring;
  struct buffers buffers;
  struct connection *first_waiting, **last_waiting;
};

void start_connection(struct server *server, int descriptor);

// A completion of its receive, or of its send.
void received(struct server *server, struct connection *connection,
              const struct io_uring_cqe *completion);
void sent(struct server *server, struct connection *connection, int result);

// Has those go on that have waited for a buffer, as far as there are some now.
void serve_waiting(struct server *server);

// User data is a connection's address with one of these in the lowest bits, or one of these alone.
enum { RECEIVE_TAG = 0, SEND_TAG = 1, TAG_BITS = 3, ACCEPT_DATA = 4, CANCEL_DATA = 8 };
