// What the peers are built of, as the build was told.
#pragma once

const char *peers_swift_version(void);
const char *peers_nio_version(void);
