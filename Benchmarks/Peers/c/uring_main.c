#include <stddef.h>

#include "peer.h"
#include "uring_echo.h"

int main(int count, char **arguments) {
  static const struct service services[] = {
      {"echo", TRANSPORT_TCP | TRANSPORT_UNIX, serve_uring_echo},
      {0},
  };
  static const struct peer peer = {"C with io_uring", NULL, services};
  return run_peer(&peer, count, arguments);
}
