#define _GNU_SOURCE 1
#include "server.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fail.h"
#include "listener.h"

// The file of a Unix socket, which ends with the server; NULL if there is none.
static const char *socket_file;
static serve_function served;

// No loop has anything to save, so that none needs to hear of it.
static void end_process(int number) {
  (void)number;
  if (socket_file != NULL) unlink(socket_file);
  _exit(0);
}

static void set_signals(void) {
  struct sigaction action = {.sa_handler = end_process};
  sigaction(SIGTERM, &action, NULL);
  // A connection that the client has reset is no reason to end.
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, NULL);
}

static void raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit", errno);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit", errno);
}

static void *serve_in_thread(void *listener) {
  served((int)(intptr_t)listener);
  return NULL;
}

static void start_thread(int listener) {
  pthread_t thread;
  int error = pthread_create(&thread, NULL, serve_in_thread, (void *)(intptr_t)listener);
  if (error != 0) fail("pthread_create", error);
}

void run_server(const struct serving *serving, serve_function serve) {
  _Bool is_shared = serving->threads > 1;
  _Bool is_unix = serving->transport == TRANSPORT_UNIX;
  if (is_shared && is_unix) fail_usage("A Unix socket has one listener, so --threads must be 1.");
  raise_descriptor_limit();
  served = serve;

  int *listeners = calloc((size_t)serving->threads, sizeof *listeners);
  if (listeners == NULL) fail("No memory for listeners", ENOMEM);
  listeners[0] = open_listener(serving->transport, serving->address, is_shared);
  char chosen[ADDRESS_TEXT_SIZE];
  if (!is_unix) listener_address(listeners[0], chosen);
  // All of them accept before anybody is told to connect.
  for (int index = 1; index < serving->threads; index++) {
    listeners[index] = open_listener(serving->transport, chosen, is_shared);
  }
  if (is_unix && serving->address[0] != '@') socket_file = serving->address;
  set_signals();

  printf("listening on %s\n", is_unix ? serving->address : chosen);
  fflush(stdout);
  for (int index = 1; index < serving->threads; index++) start_thread(listeners[index]);
  serve(listeners[0]);
  abort();
}
