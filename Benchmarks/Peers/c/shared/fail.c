#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail_usage(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  fputc('\n', stderr);
  exit(64);
}

void fail(const char *what, int error) {
  fprintf(stderr, "%s: %s.\n", what, strerror(error));
  exit(1);
}
