#include "check.h"

#include "fail.h"

void check(const char *call, int result) {
  if (result < 0) fail(call, -result);
}
