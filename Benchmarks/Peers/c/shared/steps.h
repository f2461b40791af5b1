// How long a step takes.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct steps {
  long count;
  int64_t nanoseconds;
};

// Does at least WANTED steps, and says how many they were and how long they took.
typedef struct steps (*step_function)(void *context, long wanted);

// Nanoseconds that one step costs, measured over about DURATION. FUNCTION is called with growing
// numbers, of which the last counts: what is only slow the first time is not measured.
double nanoseconds_per_step(int64_t duration, step_function function, void *context);

#ifdef __cplusplus
}
#endif
