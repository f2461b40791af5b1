// The service `echo`.
#pragma once

void serve_echo(int listener);
