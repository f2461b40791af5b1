// The clocks that figures are taken from, in nanoseconds.
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// User and kernel, all threads of the process.
static inline int64_t cpu_now(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

static inline int64_t wall_now(void) { return read_clock(CLOCK_MONOTONIC); }
