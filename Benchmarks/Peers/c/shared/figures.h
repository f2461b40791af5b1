// What a round prints.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A figure's line: its name, a tab, the value.
void print_figure(const char *name, double value);

// Durations in nanoseconds whose distribution is of interest.
struct samples {
  int64_t *values;
  long count;
  long capacity;
};

void add_sample(struct samples *samples, int64_t value);

// The lines `p50` and `p99`, in µs.
void print_percentiles(struct samples *samples);

#ifdef __cplusplus
}
#endif
