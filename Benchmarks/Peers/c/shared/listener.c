#define _GNU_SOURCE 1
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fail.h"

struct address {
  union {
    struct sockaddr any;
    struct sockaddr_un unix_path;
    struct sockaddr_storage storage;
  };
  socklen_t length;
};

static struct address unix_address(const char *path) {
  struct address address = {0};
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof address.unix_path.sun_path) {
    fail_usage("A path of a Unix socket has 1 to %zu bytes.",
               sizeof address.unix_path.sun_path - 1);
  }
  address.unix_path.sun_family = AF_UNIX;
  memcpy(address.unix_path.sun_path, path, length);
  address.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  if (path[0] == '@') {
    address.unix_path.sun_path[0] = '\0';
  } else {
    address.length += 1;
  }
  return address;
}

static struct address internet_address(const char *text, int type) {
  char host[ADDRESS_TEXT_SIZE];
  const char *colon = strrchr(text, ':');
  if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof host) {
    fail_usage("'%s' is no address: it must read HOST:PORT.", text);
  }
  size_t length = (size_t)(colon - text);
  _Bool has_brackets = text[0] == '[' && text[length - 1] == ']';
  snprintf(host, sizeof host, "%.*s", (int)(has_brackets ? length - 2 : length),
           has_brackets ? text + 1 : text);

  struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *found;
  int error = getaddrinfo(host, colon + 1, &hints, &found);
  if (error != 0) fail_usage("'%s' is no address: %s.", text, gai_strerror(error));
  struct address address = {.length = found->ai_addrlen};
  memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return address;
}

static void set_option(int listener, int level, int option) {
  int on = 1;
  if (setsockopt(listener, level, option, &on, sizeof on) != 0) fail("setsockopt", errno);
}

int open_listener(enum transport transport, const char *text, _Bool is_shared) {
  int type = transport == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
  struct address address =
      transport == TRANSPORT_UNIX ? unix_address(text) : internet_address(text, type);
  int listener = socket(address.any.sa_family, type | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket", errno);
  if (transport == TRANSPORT_TCP) {
    set_option(listener, SOL_SOCKET, SO_REUSEADDR);
    // Connections inherit it, which saves a system call for each.
    set_option(listener, IPPROTO_TCP, TCP_NODELAY);
  }
  if (is_shared) set_option(listener, SOL_SOCKET, SO_REUSEPORT);
  if (bind(listener, &address.any, address.length) != 0) fail(text, errno);
  if (type == SOCK_STREAM && listen(listener, SOMAXCONN) != 0) fail("listen", errno);
  return listener;
}

void listener_address(int listener, char text[ADDRESS_TEXT_SIZE]) {
  struct address address = {.length = sizeof address.storage};
  if (getsockname(listener, &address.any, &address.length) != 0) fail("getsockname", errno);
  char host[64], port[8];
  int error = getnameinfo(&address.any, address.length, host, sizeof host, port, sizeof port,
                          NI_NUMERICHOST | NI_NUMERICSERV);
  if (error != 0) fail("getnameinfo", errno);
  _Bool needs_brackets = strchr(host, ':') != NULL;
  snprintf(text, ADDRESS_TEXT_SIZE, needs_brackets ? "[%s]:%s" : "%s:%s", host, port);
}
