// The arguments that every peer takes: see Benchmarks/Peers/README.md.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum transport { TRANSPORT_TCP = 1, TRANSPORT_UNIX = 2, TRANSPORT_UDP = 4 };

// What follows `round`.
struct round {
  const char *workload;
  int64_t duration;  // in nanoseconds
  // NAME=VALUE, as they were given.
  char **parameters;
  int parameter_count;
};

// What follows `serve`.
struct serving {
  const char *service;
  enum transport transport;
  const char *address;
  int threads;
};

struct round parse_round(int count, char **arguments);
struct serving parse_serving(int count, char **arguments);
// The size that follows `serve copy`, or what it is without one.
long parse_copying(int count, char **arguments);

// A parameter of a round; that it is missing or no positive number is the caller's mistake.
const char *round_text(const struct round *round, const char *name);
long round_number(const struct round *round, const char *name);

#ifdef __cplusplus
}
#endif
