// The service `echo` by io_uring with multishot receive.
#pragma once

void serve_multishot_echo(int listener);
