// What a peer can do, as tables; and the main function that they make.
#pragma once

#include "command_line.h"

#ifdef __cplusplus
extern "C" {
#endif

struct workload {
  const char *name;
  void (*measure)(const struct round *round);
};

struct service {
  const char *name;
  int transports;  // a set of enum transport
  void (*serve)(int listener);
};

struct peer {
  const char *version;
  // Each ends with an entry without a name; NULL for none.
  const struct workload *workloads;
  const struct service *services;
  // The service `copy`, with the most bytes of a call; NULL for none.
  void (*copy)(long size);
};

// Lists, measures or serves as the arguments say; the result is that of main.
int run_peer(const struct peer *peer, int count, char **arguments);

#ifdef __cplusplus
}
#endif
