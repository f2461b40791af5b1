#define _GNU_SOURCE 1
#include "CTestSupport.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup 425
#define __NR_io_uring_enter 426
#endif

static int deny(unsigned call, int reason) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)reason),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int test_deny_io_uring(int reason) { return deny(__NR_io_uring_setup, reason); }

int test_deny_entering_io_uring(int reason) { return deny(__NR_io_uring_enter, reason); }

int test_fork(void) { return fork(); }

__attribute__((noinline)) uintptr_t test_stack_address(void) {
  return (uintptr_t)__builtin_frame_address(0);
}

const char *test_errno_name(int number) { return strerrorname_np(number); }

void test_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int test_event_descriptor(void) { return eventfd(0, EFD_CLOEXEC); }

int test_memory_file(void) { return memfd_create("test", MFD_CLOEXEC); }

int test_realtime_signal(int number) { return SIGRTMIN + number; }

void test_make_blocking(int fd) {
  int off = 0;
  (void)ioctl(fd, FIONBIO, &off);
}
