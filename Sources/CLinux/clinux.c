#define _GNU_SOURCE 1
#include "CLinux.h"
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

ssize_t coro_read_nowait(int fd, void *buffer, size_t count) {
  struct iovec part = {buffer, count};
  return preadv2(fd, &part, 1, -1, RWF_NOWAIT);
}

ssize_t coro_write_nowait(int fd, const void *buffer, size_t count) {
  struct iovec part = {(void *)buffer, count};
  return pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
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

const int coro_o_direct = O_DIRECT;

int coro_pipe2(int ends[2], int flags) { return pipe2(ends, flags); }

int coro_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  return accept4(fd, address, length, flags);
}

const char *coro_errno_name(int number) { return strerrorname_np(number); }
