#include "peer.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "server.h"

static const struct workload no_workloads[] = {{0}};
static const struct service no_services[] = {{0}};

static const struct workload *workloads_of(const struct peer *peer) {
  return peer->workloads != NULL ? peer->workloads : no_workloads;
}

static const struct service *services_of(const struct peer *peer) {
  return peer->services != NULL ? peer->services : no_services;
}

static void list(const struct peer *peer) {
  printf("version\t%s\n", peer->version);
  for (const struct workload *entry = workloads_of(peer); entry->name != NULL; entry++) {
    printf("round\t%s\n", entry->name);
  }
  for (const struct service *entry = services_of(peer); entry->name != NULL; entry++) {
    printf("serve\t%s\n", entry->name);
  }
  if (peer->copy != NULL) printf("serve\tcopy\n");
}

static void measure(const struct peer *peer, const struct round *round) {
  const struct workload *entry = workloads_of(peer);
  while (entry->name != NULL && strcmp(entry->name, round->workload) != 0) entry++;
  if (entry->name == NULL) fail_usage("There is no workload '%s' here.", round->workload);
  entry->measure(round);
}

static void serve(const struct peer *peer, const struct serving *serving) {
  const struct service *entry = services_of(peer);
  while (entry->name != NULL && strcmp(entry->name, serving->service) != 0) entry++;
  if (entry->name == NULL) fail_usage("There is no service '%s' here.", serving->service);
  if ((entry->transports & (int)serving->transport) == 0) {
    fail_usage("The service '%s' is not there for this kind of address.", serving->service);
  }
  run_server(serving, entry->serve);
}

int run_peer(const struct peer *peer, int count, char **arguments) {
  const char *command = count > 1 ? arguments[1] : "";
  if (strcmp(command, "list") == 0 && count == 2) {
    list(peer);
  } else if (strcmp(command, "round") == 0) {
    struct round round = parse_round(count - 2, arguments + 2);
    measure(peer, &round);
  } else if (peer->copy != NULL && count > 2 && strcmp(command, "serve") == 0 &&
             strcmp(arguments[2], "copy") == 0) {
    peer->copy(parse_copying(count - 3, arguments + 3));
  } else if (strcmp(command, "serve") == 0) {
    struct serving serving = parse_serving(count - 2, arguments + 2);
    serve(peer, &serving);
  } else {
    fail_usage("Usage: list | round --workload WORKLOAD … | serve SERVICE ….");
  }
  return 0;
}
