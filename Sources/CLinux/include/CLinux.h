// Linux interfaces that Swift's Glibc module does not export, under names of our own where a macro
// or a variadic function hides them.
#pragma once

#if !defined(__linux__)
#error "swift-coroutines runs on Linux only: its backends are epoll and io_uring."
#endif

#include "coro_syscalls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// As those of `coro_syscalls.h`: of failure it returns the negated errno value.
long coro_sys_epoll_wait(int epoll, struct epoll_event *events, int count, int milliseconds);

// RWF_NOWAIT (Linux 4.14): a read or write that would block fails with EAGAIN, whatever the
// descriptor's own mode is. Descriptors that do not know it answer EOPNOTSUPP.
//
// As the calls above, they return the negated errno value.
long coro_read_nowait(int fd, void *buffer, size_t count);
long coro_write_nowait(int fd, const void *buffer, size_t count);

// O_DIRECT, whose value is each architecture's own.
extern const int coro_o_direct;

// pipe2(2) and accept4(2), which are hidden behind _GNU_SOURCE when Swift imports Glibc.
int coro_pipe2(int ends[2], int flags);
int coro_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);

// splice(2) at the descriptors' own positions. Neither waits for a pipe nor fails with EINTR; what
// is no pipe waits as its own mode says.
long coro_splice_nowait(int from, int to, size_t count);

// The name of an errno value ("ECONNREFUSED"), or NULL for one that is not known.
const char *coro_errno_name(int number);

// epoll_event is packed on x86-64, and its union is awkward to reach from Swift.
static inline int coro_epoll_add(int epoll, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data = {.u64 = data}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static inline int coro_epoll_modify(int epoll, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data = {.u64 = data}};
  return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
}

static inline int coro_epoll_delete(int epoll, int fd) {
  return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, (struct epoll_event *)0);
}

static inline uint64_t coro_epoll_data(const struct epoll_event *event) { return event->data.u64; }

// 1 if `events` is pending on the descriptor now, 0 if not, -1 with errno on failure. Never waits.
static inline int coro_poll_now(int fd, short events) {
  struct pollfd entry = {.fd = fd, .events = events};
  return poll(&entry, 1, 0);
}

// What of `events`, POLLHUP and POLLERR is there now; 0: nothing; -1 with errno on failure, which
// EBADF is too. Never waits.
static inline int coro_poll_events(int fd, short events) {
  struct pollfd entry = {.fd = fd, .events = events};
  if (poll(&entry, 1, 0) < 0) return -1;
  // A negative number is passed over by poll, as if nothing were there.
  if (fd >= 0 && !(entry.revents & POLLNVAL)) return entry.revents;
  errno = EBADF;
  return -1;
}

// Whether there is such a descriptor.
static inline int coro_is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// Whether the open file is in blocking mode; also where that can't be told. Others who share it may
// change it at any time.
static inline int coro_may_block(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 || !(flags & O_NONBLOCK);
}

// Whether accept(2) may wait; also where that can't be told.
int coro_is_listening(int fd);

// How many bytes a terminal has to be read, and 1 at least.
int coro_terminal_count(int fd);

// Whether the descriptor is a pipe's or a FIFO's.
int coro_is_fifo(int fd);

// What tells the descriptor's file from a pipe's, and one pipe from another; 0: that can't be told.
uint64_t coro_pipe_identity(int fd);

// Whether that is what it was; also where it can't be told.
int coro_is_same_pipe(int fd, uint64_t identity);

// Waits until `events` is pending on the descriptor, a signal comes, or the time is up.
void coro_poll_for(int fd, short events, int64_t nanoseconds);

// Nanoseconds of CLOCK_MONOTONIC, the clock of rings and timerfds.
static inline int64_t coro_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// The same clock as of the kernel's last tick: a load and no arithmetic.
static inline int64_t coro_monotonic_coarse_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
