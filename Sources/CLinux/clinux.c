#define _GNU_SOURCE 1
#include "CLinux.h"
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

long coro_sys_epoll_wait(int epoll, struct epoll_event *events, int count, int milliseconds) {
  if (coro_must_tell_sanitizers()) {
    return coro_outcome(epoll_wait(epoll, events, count, milliseconds));
  }
#if defined(SYS_epoll_wait)
  return coro_system_call(SYS_epoll_wait, epoll, (long)events, count, milliseconds, 0, 0);
#else
  return coro_system_call(SYS_epoll_pwait, epoll, (long)events, count, milliseconds, 0, 0);
#endif
}

// Where the call is not known, its flag is not either: the C library says so too.
static long without_flag(long result) { return result == -ENOSYS ? -EOPNOTSUPP : result; }

// The offset -1 is the descriptor's own position; its upper half is an argument of its own.
long coro_read_nowait(int fd, void *buffer, size_t count) {
  struct iovec part = {buffer, count};
  if (coro_must_tell_sanitizers()) return coro_outcome(preadv2(fd, &part, 1, -1, RWF_NOWAIT));
  return without_flag(coro_system_call(SYS_preadv2, fd, (long)&part, 1, -1, -1, RWF_NOWAIT));
}

long coro_write_nowait(int fd, const void *buffer, size_t count) {
  struct iovec part = {(void *)buffer, count};
  if (coro_must_tell_sanitizers()) return coro_outcome(pwritev2(fd, &part, 1, -1, RWF_NOWAIT));
  return without_flag(coro_system_call(SYS_pwritev2, fd, (long)&part, 1, -1, -1, RWF_NOWAIT));
}

void coro_poll_for(int fd, short events, int64_t nanoseconds) {
  struct pollfd entry = {.fd = fd, .events = events};
  struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  (void)ppoll(&entry, 1, &limit, NULL);
}

int coro_is_listening(int fd) {
  int answer = 1;
  socklen_t length = sizeof answer;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &answer, &length) != 0 || answer;
}

int coro_terminal_count(int fd) {
  int count = 0;
  int is_in_packets = 0;
  if (ioctl(fd, FIONREAD, &count) != 0) count = 0;
  // In packet mode a pseudo-terminal's master has a byte before them (ioctl_tty(2), TIOCPKT).
  if (ioctl(fd, TIOCGPKT, &is_in_packets) == 0 && is_in_packets) count++;
  return count > 1 ? count : 1;
}

int coro_is_fifo(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

uint64_t coro_pipe_identity(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return 0;
  // Pipes are numbered in 32 bits, on a file system of their own.
  return (uint64_t)status.st_dev << 32 ^ status.st_ino;
}

int coro_is_same_pipe(int fd, uint64_t identity) {
  uint64_t now = coro_pipe_identity(fd);
  return identity == 0 || now == 0 || now == identity;
}

const int coro_o_direct = O_DIRECT;

int coro_pipe2(int ends[2], int flags) { return pipe2(ends, flags); }

long coro_splice_nowait(int from, int to, size_t count) {
  long moved;
  do moved = splice(from, NULL, to, NULL, count, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  while (moved < 0 && errno == EINTR);
  return moved;
}

int coro_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  return accept4(fd, address, length, flags);
}

const char *coro_errno_name(int number) { return strerrorname_np(number); }
