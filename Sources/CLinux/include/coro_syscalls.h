// System calls without what the C library puts around them: they are no cancellation points
// (pthreads(7)), and of failure they return the negated errno value.
#pragma once

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
static inline long coro_system_call(long number, long a, long b, long c, long d, long e, long f) {
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
static inline long coro_system_call(long number, long a, long b, long c, long d, long e, long f) {
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
static inline long coro_system_call(long number, long a, long b, long c, long d, long e, long f) {
  long result = syscall(number, a, b, c, d, e, f);
  return result < 0 ? -(long)errno : result;
}
#endif

// The sanitizers know of what the C library's functions read and write, and of the order in which
// two threads do who use a descriptor.
extern void __tsan_switch_to_fiber(void *fiber, unsigned flags) __attribute__((weak));
extern void __asan_init(void) __attribute__((weak));

static inline _Bool coro_must_tell_sanitizers(void) {
  return __builtin_expect(&__tsan_switch_to_fiber || &__asan_init, 0);
}

static inline long coro_outcome(long result) { return result < 0 ? -(long)errno : result; }

// Part of who calls: what he has in registers stays there.
static inline long coro_sys_recv(int fd, void *buffer, size_t count, int flags) {
  if (coro_must_tell_sanitizers()) return coro_outcome(recv(fd, buffer, count, flags));
  return coro_system_call(SYS_recvfrom, fd, (long)buffer, (long)count, flags, 0, 0);
}

static inline long coro_sys_send(int fd, const void *buffer, size_t count, int flags) {
  if (coro_must_tell_sanitizers()) return coro_outcome(send(fd, buffer, count, flags));
  return coro_system_call(SYS_sendto, fd, (long)buffer, (long)count, flags, 0, 0);
}

static inline long coro_sys_read(int fd, void *buffer, size_t count) {
  if (coro_must_tell_sanitizers()) return coro_outcome(read(fd, buffer, count));
  return coro_system_call(SYS_read, fd, (long)buffer, (long)count, 0, 0, 0);
}

static inline long coro_sys_write(int fd, const void *buffer, size_t count) {
  if (coro_must_tell_sanitizers()) return coro_outcome(write(fd, buffer, count));
  return coro_system_call(SYS_write, fd, (long)buffer, (long)count, 0, 0, 0);
}
