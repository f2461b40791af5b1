// As few calls as there can be, and no byte passes through this process.
#define _GNU_SOURCE 1
#include "limit_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fail.h"

void copy_limit(long size) {
  while (1) {
    ssize_t moved = splice(STDIN_FILENO, NULL, STDOUT_FILENO, NULL, (size_t)size, SPLICE_F_MOVE);
    if (moved == 0) return;
    if (moved < 0 && errno != EINTR) fail("splice", errno);
  }
}
