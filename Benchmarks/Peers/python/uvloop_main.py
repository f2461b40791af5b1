"""Tasks of asyncio on uvloop, measured as a peer."""

import platform

import uvloop

import peer
import uvloop_rounds
import uvloop_services

peer.main(
    f"uvloop {uvloop.__version__}, {platform.python_implementation()} {platform.python_version()}",
    uvloop_rounds.WORKLOADS,
    uvloop_services.SERVICES,
)
