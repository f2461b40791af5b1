#define _GNU_SOURCE 1
#include "coro_stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102  // Linux 6.13
#endif
#ifndef PIDFD_SELF
#define PIDFD_SELF -10000  // Linux 6.15
#endif

void *coro_stack_reserve(size_t size) {
  void *low = mmap(NULL, size + CORO_STACK_HEADROOM, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (low == MAP_FAILED) return NULL;
  (void)munmap((char *)low + size, CORO_STACK_HEADROOM);
  // One huge page would make a whole slab resident. Kernels without huge pages refuse; no matter.
  (void)madvise(low, size, MADV_NOHUGEPAGE);
  return low;
}

void coro_stack_release(void *low, size_t size) { (void)munmap(low, size); }

// COROUTINE_STACK_GUARD=mprotect does without guard regions, as kernels do that have none.
static _Bool has_guard_regions(void) {
  enum { UNKNOWN, NO, YES };
  static _Atomic int answer = UNKNOWN;
  if (answer == UNKNOWN) {
    const char *wish = getenv("COROUTINE_STACK_GUARD");
    answer = wish != NULL && strcmp(wish, "mprotect") == 0 ? NO : YES;
  }
  return answer == YES;
}

int coro_stack_guard(void *low, size_t size) {
  if (has_guard_regions() && madvise(low, size, MADV_GUARD_INSTALL) == 0) return 0;
  // Older kernels, and sandboxes that don't know it: protection splits the mapping, so
  // vm.max_map_count bounds the stacks.
  return mprotect(low, size, PROT_NONE);
}

int coro_stack_guard_row(void *low, size_t stride, size_t size, int count) {
  static _Atomic _Bool is_refused;
  if (count > CORO_GUARDS_AT_ONCE) count = CORO_GUARDS_AT_ONCE;
  if (count > 1 && has_guard_regions() && !is_refused) {
    struct iovec guards[CORO_GUARDS_AT_ONCE];
    for (int i = 0; i < count; i++) {
      guards[i] = (struct iovec){.iov_base = (char *)low + (size_t)i * stride, .iov_len = size};
    }
    long advised = syscall(SYS_process_madvise, PIDFD_SELF, guards, count, MADV_GUARD_INSTALL, 0);
    if (advised >= (long)size) return (int)(advised / (long)size);
    // Older kernels, and sandboxes; memory may be there another time.
    if (advised < 0 && errno != ENOMEM && errno != EINTR) is_refused = 1;
  }
  return coro_stack_guard(low, size) == 0 ? 1 : -1;
}

int coro_stack_trim(void *low, size_t size) {
  enum { AT_ONCE = 64 };
  unsigned char resident[AT_ONCE];
  size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
  // The kernel would round up, and take a page that is in use.
  size &= ~(page_size - 1);
  char *cursor = low;
  char *end = cursor + size;
  while (cursor < end) {
    size_t length = (size_t)(end - cursor);
    if (length > AT_ONCE * page_size) length = AT_ONCE * page_size;
    if (mincore(cursor, length, resident) != 0) return 0;
    for (size_t page = 0; page < length / page_size; page++) {
      if (resident[page] & 1) return madvise(low, size, MADV_DONTNEED) == 0;
    }
    cursor += length;
  }
  return 0;
}
