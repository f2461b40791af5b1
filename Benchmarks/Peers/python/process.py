"""What this process occupies and may have."""

import math
import os
import resource
from dataclasses import dataclass


def raise_descriptor_limit() -> None:
    """Thousands of connections need it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@dataclass
class MemoryUse:
    """In bytes; those of the control group are nan where nobody says how to read them."""

    group: float
    resident: int
    page_tables: int

    @staticmethod
    def current() -> "MemoryUse":
        path = os.environ.get("CORO_BENCH_GROUP_MEMORY")
        group = math.nan
        if path:
            with open(path) as file:
                group = float(file.read())
        with open("/proc/self/status") as file:
            status = dict(line.split(":", 1) for line in file)
        return MemoryUse(group, _bytes(status["VmRSS"]), _bytes(status["VmPTE"]))

    def growth_each(self, before: "MemoryUse", count: int) -> list[tuple[str, float]]:
        return [
            ("group", (self.group - before.group) / count),
            ("resident", (self.resident - before.resident) / count),
            ("page tables", (self.page_tables - before.page_tables) / count),
        ]


def _bytes(kilobytes: str) -> int:
    return int(kilobytes.split()[0]) * 1024
