"""Greenlets with a hub, measured as a peer."""

import platform

import gevent

import gevent_rounds
import gevent_services
import peer

peer.main(
    f"gevent {gevent.__version__}, {platform.python_implementation()} {platform.python_version()}",
    gevent_rounds.WORKLOADS,
    gevent_services.SERVICES,
)
