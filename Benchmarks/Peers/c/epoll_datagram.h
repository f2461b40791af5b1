// The service `datagram` by epoll.
#pragma once

void serve_epoll_datagram(int listener);
