// A turn takes as many datagrams as wait, up to BATCH, with one system call, and sends them back
// with another.
#define _GNU_SOURCE 1
#include "epoll_datagram.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "fail.h"

enum { BATCH = 32, DATAGRAM_MAX = 2048 };

struct batch {
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  struct sockaddr_storage senders[BATCH];
  char buffers[BATCH][DATAGRAM_MAX];
};

static struct batch *make_batch(void) {
  struct batch *batch = calloc(1, sizeof *batch);
  if (batch == NULL) fail("No memory for datagrams", errno);
  for (int index = 0; index < BATCH; index++) {
    batch->parts[index].iov_base = batch->buffers[index];
    batch->messages[index].msg_hdr.msg_name = &batch->senders[index];
    batch->messages[index].msg_hdr.msg_iov = &batch->parts[index];
    batch->messages[index].msg_hdr.msg_iovlen = 1;
  }
  return batch;
}

static int receive(int descriptor, struct batch *batch) {
  // What the last turn left: the sizes of its datagrams and addresses.
  for (int index = 0; index < BATCH; index++) {
    batch->parts[index].iov_len = DATAGRAM_MAX;
    batch->messages[index].msg_hdr.msg_namelen = sizeof batch->senders[index];
  }
  int count = recvmmsg(descriptor, batch->messages, BATCH, MSG_DONTWAIT, NULL);
  for (int index = 0; index < count; index++) {
    batch->parts[index].iov_len = batch->messages[index].msg_len;
  }
  return count;
}

static void wait_for_room(int descriptor) {
  struct pollfd room = {.fd = descriptor, .events = POLLOUT};
  poll(&room, 1, -1);
}

static void send_back(int descriptor, struct batch *batch, int count) {
  int sent = 0;
  while (sent < count) {
    int taken = sendmmsg(descriptor, batch->messages + sent, (unsigned)(count - sent),
                         MSG_DONTWAIT);
    if (taken > 0) {
      sent += taken;
    } else if (errno == EAGAIN) {
      wait_for_room(descriptor);
    } else {
      // Whatever is wrong with this one (a sender that is not reachable): the next may go.
      sent += 1;
    }
  }
}

void serve_epoll_datagram(int listener) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) fail("epoll_create1", errno);
  struct epoll_event event = {.events = EPOLLIN};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) fail("epoll_ctl", errno);
  struct batch *batch = make_batch();
  while (1) {
    if (epoll_wait(epoll, &event, 1, -1) < 0 && errno != EINTR) fail("epoll_wait", errno);
    send_back(listener, batch, receive(listener, batch));
  }
}
