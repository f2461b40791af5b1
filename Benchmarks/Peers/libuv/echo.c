// A loop's connections share one buffer, since what was received is sent before the callback
// returns. One whose peer does not read is not read from until it does.
#include "echo.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

#include "check.h"
#include "fail.h"
#include "output.h"

enum { ECHO_MAX = 16 * 1024 };

struct server {
  uv_loop_t loop;
  union {
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } listener;
  char buffer[ECHO_MAX];
};

static void free_handle(uv_handle_t *handle) { free(handle); }

static void close_stream(uv_stream_t *stream) { uv_close((uv_handle_t *)stream, free_handle); }

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)suggested;
  struct server *server = handle->loop->data;
  *buffer = uv_buf_init(server->buffer, ECHO_MAX);
}

static void start_reading(uv_stream_t *stream);

static void end_rest(uv_stream_t *stream, int status) {
  if (status < 0) {
    close_stream(stream);
  } else {
    start_reading(stream);
  }
}

static void received(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  // There was nothing to be read after all.
  if (count == 0) return;
  // At the end of file nothing is left to send, since a rest is sent before anything is read.
  int result = count > 0 ? send_bytes(stream, buffer->base, (size_t)count, end_rest) : -1;
  if (result < 0) {
    close_stream(stream);
  } else if (result == 0) {
    uv_read_stop(stream);
  }
}

static void start_reading(uv_stream_t *stream) {
  check("uv_read_start", uv_read_start(stream, lend_buffer, received));
}

static uv_stream_t *make_stream(uv_loop_t *loop, uv_handle_type type) {
  uv_stream_t *stream = malloc(uv_handle_size(type));
  if (stream == NULL) fail("No memory for a connection", errno);
  if (type == UV_TCP) {
    check("uv_tcp_init", uv_tcp_init(loop, (uv_tcp_t *)stream));
  } else {
    check("uv_pipe_init", uv_pipe_init(loop, (uv_pipe_t *)stream, 0));
  }
  return stream;
}

static void accept_connection(uv_stream_t *listener, int status) {
  // A connection that was reset before it was accepted.
  if (status == UV_ECONNABORTED) return;
  check("accept", status);
  uv_stream_t *stream = make_stream(listener->loop, listener->type);
  check("uv_accept", uv_accept(listener, stream));
  // The listener's sockets of TCP have TCP_NODELAY from the start.
  start_reading(stream);
}

// The listener is bound outside, since libuv's own binding knows neither SO_REUSEPORT nor the
// abstract names of Unix sockets in Debian's version.
static void open_listener_handle(struct server *server, int descriptor) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) {
    fail("getsockname", errno);
  }
  if (address.ss_family == AF_UNIX) {
    check("uv_pipe_init", uv_pipe_init(&server->loop, &server->listener.pipe, 0));
    check("uv_pipe_open", uv_pipe_open(&server->listener.pipe, descriptor));
  } else {
    check("uv_tcp_init", uv_tcp_init(&server->loop, &server->listener.tcp));
    check("uv_tcp_open", uv_tcp_open(&server->listener.tcp, descriptor));
  }
}

void serve_echo(int listener) {
  struct server *server = calloc(1, sizeof *server);
  if (server == NULL) fail("No memory for a server", errno);
  check("uv_loop_init", uv_loop_init(&server->loop));
  server->loop.data = server;
  open_listener_handle(server, listener);
  check("uv_listen", uv_listen(&server->listener.stream, SOMAXCONN, accept_connection));
  uv_run(&server->loop, UV_RUN_DEFAULT);
}
