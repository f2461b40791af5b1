// Each datagram is sent back at once, without a request; by a request if the socket has no room.
// UV_UDP_RECVMMSG is left off, as it is by default: with it, libuv wants a buffer of 64 KiB for
// each datagram of a batch, and it would still send them one by one.
#include "datagram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "check.h"
#include "fail.h"

enum { DATAGRAM_MAX = 2048 };

static _Thread_local char receive_buffer[DATAGRAM_MAX];

struct late {
  uv_udp_send_t request;
  char bytes[];
};

static void free_late(uv_udp_send_t *request, int status) {
  // It is lost, as datagrams may be.
  (void)status;
  free(request);
}

static void send_late(uv_udp_t *socket, const char *bytes, size_t count,
                      const struct sockaddr *receiver) {
  struct late *late = malloc(sizeof *late + count);
  if (late == NULL) fail("No memory for a datagram", errno);
  memcpy(late->bytes, bytes, count);
  uv_buf_t all = uv_buf_init(late->bytes, (unsigned)count);
  check("uv_udp_send", uv_udp_send(&late->request, socket, &all, 1, receiver, free_late));
}

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)handle;
  (void)suggested;
  *buffer = uv_buf_init(receive_buffer, DATAGRAM_MAX);
}

static void received(uv_udp_t *socket, ssize_t count, const uv_buf_t *buffer,
                     const struct sockaddr *sender, unsigned flags) {
  (void)flags;
  // There was nothing, or an error of a datagram before: an empty one has a sender.
  if (count < 0 || sender == NULL) return;
  uv_buf_t all = uv_buf_init(buffer->base, (unsigned)count);
  int sent = uv_udp_try_send(socket, &all, 1, sender);
  if (sent == UV_EAGAIN) send_late(socket, buffer->base, (size_t)count, sender);
}

void serve_datagram(int listener) {
  uv_loop_t loop;
  uv_udp_t socket;
  check("uv_loop_init", uv_loop_init(&loop));
  check("uv_udp_init", uv_udp_init(&loop, &socket));
  check("uv_udp_open", uv_udp_open(&socket, listener));
  check("uv_udp_recv_start", uv_udp_recv_start(&socket, lend_buffer, received));
  uv_run(&loop, UV_RUN_DEFAULT);
}
