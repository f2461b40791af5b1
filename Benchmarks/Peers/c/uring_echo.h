// The service `echo` by io_uring, one operation after the other.
#pragma once

void serve_uring_echo(int listener);
