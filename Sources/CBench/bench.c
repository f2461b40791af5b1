#define _GNU_SOURCE 1
#include "CBench.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int bench_allowed_processors(int *numbers, int capacity) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  int count = 0;
  for (int number = 0; number < CPU_SETSIZE; number++) {
    if (!CPU_ISSET(number, &set)) continue;
    if (count < capacity) numbers[count] = number;
    count++;
  }
  return count;
}

int bench_pin_to_processors(const int *numbers, int count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int index = 0; index < count; index++) CPU_SET(numbers[index], &set);
  return sched_setaffinity(0, sizeof set, &set);
}

void bench_widen(int pipe, int size) {
  (void)fcntl(pipe, F_SETPIPE_SZ, size);
}

ssize_t bench_feed(int pipe, const void *bytes, size_t count) {
  struct iovec all = {.iov_base = (void *)bytes, .iov_len = count};
  return vmsplice(pipe, &all, 1, SPLICE_F_NONBLOCK);
}

ssize_t bench_drain(int pipe, int null, size_t count) {
  return splice(pipe, NULL, null, NULL, count, SPLICE_F_NONBLOCK);
}

int bench_count_tracepoint(pid_t thread, unsigned long identifier) {
  // With the threads that this one makes from now on.
  struct perf_event_attr attributes = {
      .type = PERF_TYPE_TRACEPOINT, .size = sizeof attributes, .config = identifier, .inherit = 1};
  return (int)syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
}
