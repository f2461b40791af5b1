// The services of streams by epoll.
#pragma once

void serve_epoll_echo(int listener);
void serve_epoll_stream(int listener);
