"""Where a service listens."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator

# As many connections may come at once as the kernel lets wait.
BACKLOG = 4096


@dataclass
class Address:
    """Its kind is tcp, udp or unix; only the last has a path."""

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""

    @staticmethod
    def parse(kind: str, text: str) -> Address:
        """Raises ValueError if it is no address."""
        if kind == "unix":
            return Address(kind, path=text)
        host, _, port = text.rpartition(":")
        return Address(kind, host=host.removeprefix("[").removesuffix("]"), port=int(port))

    @property
    def family(self) -> socket.AddressFamily:
        if self.kind == "unix":
            return socket.AF_UNIX
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def name(self) -> str | tuple[str, int]:
        """What bind takes."""
        return self.path if self.kind == "unix" else (self.host, self.port)

    @contextmanager
    def announced(self, name: str | tuple) -> Iterator[None]:
        """Says where the server listens, by the socket's own name; removes the path at the end."""
        if self.kind == "unix":
            text = self.path
        else:
            text = f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
        print(f"listening on {text}", flush=True)
        try:
            yield
        finally:
            if self.kind == "unix" and os.path.exists(self.path):
                os.unlink(self.path)
