#include <stdio.h>
#include <uv.h>

#include "datagram.h"
#include "echo.h"
#include "peer.h"
#include "pipe.h"
#include "signals.h"
#include "timers.h"

int main(int count, char **arguments) {
  static const struct workload workloads[] = {
      {"timers", measure_timers},
      {"overshoot", measure_overshoot},
      {"pipe", measure_pipe},
      {"signal", measure_signal},
      {0},
  };
  static const struct service services[] = {
      {"echo", TRANSPORT_TCP | TRANSPORT_UNIX, serve_echo},
      {"datagram", TRANSPORT_UDP, serve_datagram},
      {0},
  };
  char version[64];
  snprintf(version, sizeof version, "libuv %s", uv_version_string());
  struct peer peer = {version, workloads, services};
  return run_peer(&peer, count, arguments);
}
