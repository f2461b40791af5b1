// Level-triggered, so that a request costs epoll_wait (shared by all that are ready), one recv and
// one send: a second recv that only finds nothing more, as edges need it, is saved. All connections
// share one buffer. Only one whose peer does not read owns memory, and is not read from meanwhile.
#define _GNU_SOURCE 1
#include "epoll_echo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fail.h"

enum { ECHO_MAX = 16 * 1024, STREAM_MAX = 16 * 512, EVENTS_MAX = 512 };

struct connection {
  int descriptor;
  // What the socket did not take yet; NULL if it took everything.
  char *rest;
  size_t sent, count;
};

struct loop {
  int epoll;
  int listener;
  size_t receive_max;
  char buffer[ECHO_MAX];
};

static void set_interest(const struct loop *loop, int operation, int descriptor, uint32_t events,
                         struct connection *connection) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(loop->epoll, operation, descriptor, &event) != 0) fail("epoll_ctl", errno);
}

static void close_connection(struct connection *connection) {
  close(connection->descriptor);
  free(connection->rest);
  free(connection);
}

// Accepts everybody who waits.
static void accept_connections(const struct loop *loop) {
  while (1) {
    int descriptor = accept4(loop->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      struct connection *connection = calloc(1, sizeof *connection);
      if (connection == NULL) fail("No memory for a connection", errno);
      connection->descriptor = descriptor;
      set_interest(loop, EPOLL_CTL_ADD, descriptor, EPOLLIN, connection);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != ECONNABORTED && errno != EINTR) {
      fail("accept4", errno);
    }
  }
}

// The number of bytes that the socket took, possibly 0; -1 if the connection is broken.
static ssize_t send_some(int descriptor, const char *bytes, size_t count) {
  ssize_t sent = send(descriptor, bytes, count, MSG_NOSIGNAL);
  return sent < 0 && errno == EAGAIN ? 0 : sent;
}

static void keep_rest(const struct loop *loop, struct connection *connection, const char *bytes,
                      size_t count) {
  connection->rest = malloc(count);
  if (connection->rest == NULL) fail("No memory for a rest", errno);
  memcpy(connection->rest, bytes, count);
  connection->sent = 0;
  connection->count = count;
  set_interest(loop, EPOLL_CTL_MOD, connection->descriptor, EPOLLOUT, connection);
}

static void receive_and_send(struct loop *loop, struct connection *connection) {
  ssize_t count = recv(connection->descriptor, loop->buffer, loop->receive_max, 0);
  if (count < 0 && errno == EAGAIN) return;
  // At the end of file nothing is left to send, since a rest is sent before anything is received.
  ssize_t sent = count > 0 ? send_some(connection->descriptor, loop->buffer, (size_t)count) : -1;
  if (sent < 0) {
    close_connection(connection);
  } else if (sent < count) {
    keep_rest(loop, connection, loop->buffer + sent, (size_t)(count - sent));
  }
}

static void send_rest(const struct loop *loop, struct connection *connection) {
  ssize_t sent = send_some(connection->descriptor, connection->rest + connection->sent,
                           connection->count - connection->sent);
  if (sent < 0) {
    close_connection(connection);
    return;
  }
  connection->sent += (size_t)sent;
  if (connection->sent < connection->count) return;
  free(connection->rest);
  connection->rest = NULL;
  set_interest(loop, EPOLL_CTL_MOD, connection->descriptor, EPOLLIN, connection);
}

static void handle(struct loop *loop, struct connection *connection) {
  if (connection == NULL) {
    accept_connections(loop);
  } else if (connection->rest != NULL) {
    send_rest(loop, connection);
  } else {
    receive_and_send(loop, connection);
  }
}

static void serve(int listener, size_t receive_max) {
  struct loop loop = {.listener = listener, .receive_max = receive_max};
  loop.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (loop.epoll < 0) fail("epoll_create1", errno);
  // All who wait are accepted, until there is none left.
  if (fcntl(listener, F_SETFL, O_NONBLOCK) != 0) fail("fcntl", errno);
  set_interest(&loop, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
  struct epoll_event events[EVENTS_MAX];
  while (1) {
    int count = epoll_wait(loop.epoll, events, EVENTS_MAX, -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait", errno);
    for (int index = 0; index < count; index++) handle(&loop, events[index].data.ptr);
  }
}

void serve_epoll_echo(int listener) { serve(listener, ECHO_MAX); }

// A loop needs no queue between a task that receives and one that sends: what would be one, 16
// messages of 512 B, is how much it takes at a time.
void serve_epoll_stream(int listener) { serve(listener, STREAM_MAX); }
