#include <stddef.h>

#include "multishot_echo.h"
#include "peer.h"

int main(int count, char **arguments) {
  static const struct service services[] = {
      {"echo", TRANSPORT_TCP | TRANSPORT_UNIX, serve_multishot_echo},
      {0},
  };
  static const struct peer peer = {"C with io_uring, multishot", NULL, services};
  return run_peer(&peer, count, arguments);
}
