"""How much to do, and what it came to.

A workload asks what is wanted and tells what it did; so blocking and asynchronous ones share this.
"""

import math
import time
from typing import Iterator


class Steps:
    """Finds the number of steps that fills the duration; only the last batch counts.

    So what is slow only once is left out.
    """

    def __init__(self, duration_ns: int) -> None:
        self.duration_ns = duration_ns
        self.wanted = 100
        self.each_ns = math.nan
        self._is_last = False

    def took(self, count: int, nanoseconds: int) -> None:
        if self._is_last:
            self.each_ns = nanoseconds / count
            self.wanted = 0
        elif nanoseconds >= self.duration_ns / 8:
            self.wanted = max(1, int(count * self.duration_ns / nanoseconds))
            self._is_last = True
        else:
            self.wanted = count * 4

    def timed(self) -> Iterator[int]:
        """Batches whose steps are all that happens before the next one is asked for."""
        while self.wanted:
            start = time.process_time_ns()
            yield self.wanted
            self.took(self.wanted, time.process_time_ns() - start)


class Latencies:
    """Collects times on the wall for the duration, after an eighth of it as warm-up."""

    def __init__(self, duration_ns: int) -> None:
        self._start = time.perf_counter_ns() + duration_ns // 8
        self._end = self._start + duration_ns
        self._all: list[int] = []

    @property
    def wanted(self) -> bool:
        # A slow machine, too, has something to tell.
        return time.perf_counter_ns() < self._end or not self._all

    def add(self, nanoseconds: int) -> None:
        if time.perf_counter_ns() >= self._start:
            self._all.append(nanoseconds)

    @property
    def figures(self) -> list[tuple[str, float]]:
        self._all.sort()
        return [("p50", self._percentile(0.5)), ("p99", self._percentile(0.99))]

    def _percentile(self, share: float) -> float:
        return self._all[math.ceil(share * len(self._all)) - 1] / 1000
