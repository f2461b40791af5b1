#define _GNU_SOURCE 1
#include "CLinux.h"
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

// MARK: System calls

#if defined(__x86_64__)
static inline long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long fourth __asm__("r10") = d;
  register long fifth __asm__("r8") = e;
  register long sixth __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "+a"(number)
                   : "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
                   : "rcx", "r11", "memory");
  return number;
}
#elif defined(__aarch64__)
static inline long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long call __asm__("x8") = number;
  register long first __asm__("x0") = a;
  register long second __asm__("x1") = b;
  register long third __asm__("x2") = c;
  register long fourth __asm__("x3") = d;
  register long fifth __asm__("x4") = e;
  register long sixth __asm__("x5") = f;
  __asm__ volatile("svc #0"
                   : "+r"(first)
                   : "r"(call), "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(sixth)
                   : "memory");
  return first;
}
#else
static inline long system_call(long number, long a, long b, long c, long d, long e, long f) {
  long result = syscall(number, a, b, c, d, e, f);
  return result < 0 ? -(long)errno : result;
}
#endif

// The sanitizers know of what the C library's functions read and write, and of the order in which
// two threads do who use a descriptor.
extern void __tsan_switch_to_fiber(void *fiber, unsigned flags) __attribute__((weak));
extern void __asan_init(void) __attribute__((weak));

static inline _Bool must_tell_sanitizers(void) {
  return __builtin_expect(&__tsan_switch_to_fiber || &__asan_init, 0);
}

static long outcome(long result) { return result < 0 ? -(long)errno : result; }

long coro_sys_recv(int fd, void *buffer, size_t count, int flags) {
  if (must_tell_sanitizers()) return outcome(recv(fd, buffer, count, flags));
  return system_call(SYS_recvfrom, fd, (long)buffer, (long)count, flags, 0, 0);
}

long coro_sys_send(int fd, const void *buffer, size_t count, int flags) {
  if (must_tell_sanitizers()) return outcome(send(fd, buffer, count, flags));
  return system_call(SYS_sendto, fd, (long)buffer, (long)count, flags, 0, 0);
}

long coro_sys_epoll_wait(int epoll, struct epoll_event *events, int count, int milliseconds) {
  if (must_tell_sanitizers()) return outcome(epoll_wait(epoll, events, count, milliseconds));
#if defined(SYS_epoll_wait)
  return system_call(SYS_epoll_wait, epoll, (long)events, count, milliseconds, 0, 0);
#else
  return system_call(SYS_epoll_pwait, epoll, (long)events, count, milliseconds, 0, 0);
#endif
}

// Where the call is not known, its flag is not either: the C library says so too.
static long without_flag(long result) { return result == -ENOSYS ? -EOPNOTSUPP : result; }

// The offset -1 is the descriptor's own position; its upper half is an argument of its own.
long coro_read_nowait(int fd, void *buffer, size_t count) {
  struct iovec part = {buffer, count};
  if (must_tell_sanitizers()) return outcome(preadv2(fd, &part, 1, -1, RWF_NOWAIT));
  return without_flag(system_call(SYS_preadv2, fd, (long)&part, 1, -1, -1, RWF_NOWAIT));
}

long coro_write_nowait(int fd, const void *buffer, size_t count) {
  struct iovec part = {(void *)buffer, count};
  if (must_tell_sanitizers()) return outcome(pwritev2(fd, &part, 1, -1, RWF_NOWAIT));
  return without_flag(system_call(SYS_pwritev2, fd, (long)&part, 1, -1, -1, RWF_NOWAIT));
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
