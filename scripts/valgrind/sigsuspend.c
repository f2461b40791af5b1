// Preloaded by scripts/test-valgrind. Valgrind 3.19 writes to the mask that sigsuspend is given,
// and libdispatch's lies in memory that can't be written to: Valgrind itself crashes.
#define _GNU_SOURCE 1
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
  sigset_t copy = *mask;
  return (int)syscall(SYS_rt_sigsuspend, &copy, 8);
}
