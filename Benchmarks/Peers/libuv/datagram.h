// The service `datagram`.
#pragma once

void serve_datagram(int listener);
