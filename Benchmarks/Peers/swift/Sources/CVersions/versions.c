#include "CVersions.h"

const char *peers_swift_version(void) { return PEERS_SWIFT_VERSION; }

const char *peers_nio_version(void) { return PEERS_NIO_VERSION; }
