// The socket that a service listens at.
#pragma once

#include "command_line.h"

// A bound socket, which listens unless it is one of UDP. ADDRESS is HOST:PORT, or a path (or @NAME,
// in the abstract namespace) for TRANSPORT_UNIX. IS_SHARED: other sockets of this process bind to
// the same address, and the kernel distributes connections or flows among them.
int open_listener(enum transport transport, const char *address, _Bool is_shared);

// HOST:PORT as the socket is bound, with the port that was chosen.
#define ADDRESS_TEXT_SIZE 128
void listener_address(int listener, char text[ADDRESS_TEXT_SIZE]);
