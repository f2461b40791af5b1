#include "figures.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"

void print_figure(const char *name, double value) {
  printf("%s\t%.9g\n", name, value);
}

void add_sample(struct samples *samples, int64_t value) {
  if (samples->count == samples->capacity) {
    samples->capacity = samples->capacity == 0 ? 4096 : samples->capacity * 2;
    size_t size = (size_t)samples->capacity * sizeof *samples->values;
    samples->values = realloc(samples->values, size);
    if (samples->values == NULL) fail("No memory for samples", ENOMEM);
  }
  samples->values[samples->count++] = value;
}

static int ascending(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

// The smallest value that so many percent of all do not exceed.
static double microseconds_at(const struct samples *samples, int percent) {
  if (samples->count == 0) return NAN;
  long rank = (samples->count * percent + 99) / 100;
  return (double)samples->values[rank - 1] / 1000;
}

void print_percentiles(struct samples *samples) {
  if (samples->count > 0) {
    qsort(samples->values, (size_t)samples->count, sizeof *samples->values, ascending);
  }
  print_figure("p50", microseconds_at(samples, 50));
  print_figure("p99", microseconds_at(samples, 99));
}
