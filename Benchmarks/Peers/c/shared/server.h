// What is around a service: its listeners, its threads, its end.
#pragma once

#include "command_line.h"

// Serves at LISTENER and never returns.
typedef void (*serve_function)(int listener);

// Opens a listener for each thread, says where, and serves until SIGTERM, after which the process
// exits with status 0.
__attribute__((noreturn)) void run_server(const struct serving *serving, serve_function serve);
