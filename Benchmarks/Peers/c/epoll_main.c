#include "epoll_datagram.h"
#include "epoll_echo.h"
#include "limit_copy.h"
#include "limit_pipe.h"
#include "limit_stacks.h"
#include "peer.h"

int main(int count, char **arguments) {
  static const struct workload workloads[] = {
      {"pipe", measure_limit_pipe},
      {"spawn-many", measure_limit_stacks},
      {0},
  };
  static const struct service services[] = {
      {"echo", TRANSPORT_TCP | TRANSPORT_UNIX, serve_epoll_echo},
      {"stream", TRANSPORT_TCP | TRANSPORT_UNIX, serve_epoll_stream},
      {"datagram", TRANSPORT_UDP, serve_epoll_datagram},
      {0},
  };
  static const struct peer peer = {"C with epoll", workloads, services, copy_limit};
  return run_peer(&peer, count, arguments);
}
