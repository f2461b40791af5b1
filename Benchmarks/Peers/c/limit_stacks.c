// The limit of `spawn-many`: what the kernel takes for the stacks, and nothing else. A stack is a
// guard of 64 KiB with 64 KiB above it; it is one of a slab that is reserved at once. A coroutine
// that starts sets up the guard and writes to the topmost page; one that takes a stack from a cache
// writes to the same page again.
#define _GNU_SOURCE 1
#include "limit_stacks.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "clocks.h"
#include "fail.h"
#include "figures.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102  // Linux 6.13
#endif

enum { GUARD_SIZE = 64 * 1024, STACK_SIZE = 128 * 1024, LINE_SIZE = 64, LINES_OF_A_PAGE = 64 };

static char *reserve(long count) {
  char *slab = mmap(NULL, (size_t)count * STACK_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (slab == MAP_FAILED) fail("mmap", errno);
  // Untouched pages of a stack are to stay so. A kernel without huge pages refuses, which is fine.
  (void)madvise(slab, (size_t)count * STACK_SIZE, MADV_NOHUGEPAGE);
  return slab;
}

// The cheaper of the two where there is one: it splits no mapping, of which a process may have only
// about 65,000.
static void set_guard(char *low) {
  if (madvise(low, GUARD_SIZE, MADV_GUARD_INSTALL) == 0) return;
  if (errno != EINVAL) fail("madvise", errno);
  if (mprotect(low, GUARD_SIZE, PROT_NONE) != 0) {
    fail("mprotect (vm.max_map_count bounds the stacks)", errno);
  }
}

// Tops are a power of two apart. Were they written to at the same offset, all of them would compete
// for a few lines of the cache, which a program that knows of it avoids.
static void touch(char *slab, long number) {
  char *top = slab + (number + 1) * STACK_SIZE;
  volatile char *word = top - LINE_SIZE * (1 + number % LINES_OF_A_PAGE);
  *word = 1;
}

void measure_limit_stacks(const struct round *round) {
  long count = round_number(round, "coroutines");
  const char *stacks = round_text(round, "stacks");
  _Bool is_cached = strcmp(stacks, "cached") == 0;
  if (!is_cached && strcmp(stacks, "fresh") != 0) {
    fail_usage("The parameter 'stacks' must be fresh or cached, not '%s'.", stacks);
  }
  int64_t start = cpu_now();
  char *slab = reserve(count);
  for (long number = 0; number < count; number++) {
    set_guard(slab + number * STACK_SIZE);
    touch(slab, number);
  }
  if (is_cached) {
    start = cpu_now();
    for (long number = 0; number < count; number++) touch(slab, number);
  }
  print_figure("", (double)(cpu_now() - start) / (double)count);
}
