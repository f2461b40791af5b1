"""The workloads, by greenlets."""

import os
import signal
import time

import gevent
import gevent.event
import gevent.os
from measuring import Latencies, Steps
from peer import Round, Workload
from process import MemoryUse

Figures = list[tuple[str, float]]


def measure_yield(round_: Round) -> Figures:
    coroutines = round_.parameters["coroutines"]
    steps = Steps(round_.duration_ns)
    while steps.wanted:
        times = max(2, steps.wanted // coroutines)
        steps.took(coroutines * times, yield_among(coroutines, times))
    return [("", steps.each_ns)]


def yield_among(coroutines: int, times: int) -> int:
    ends: list[int] = []

    def turn() -> None:
        # The first one hands back to whoever starts us: it is not counted.
        gevent.sleep(0)
        for _ in range(times):
            gevent.sleep(0)
        # All others are at their last one too. Their ends are not counted.
        if not ends:
            ends.append(time.process_time_ns())

    greenlets = [gevent.spawn(turn) for _ in range(coroutines)]
    gevent.sleep(0)
    start = time.process_time_ns()
    gevent.joinall(greenlets, raise_error=True)
    return ends[0] - start


def nothing() -> None:
    pass


def measure_spawn(round_: Round) -> Figures:
    steps = Steps(round_.duration_ns)
    for count in steps.timed():
        for _ in range(count):
            gevent.spawn(nothing).join()
    return [("", steps.each_ns)]


def measure_spawn_many(round_: Round) -> Figures:
    coroutines = round_.parameters["coroutines"]
    if round_.parameters["stacks"] == "cached":
        start_and_join(coroutines)
    start = time.process_time_ns()
    start_and_join(coroutines)
    return [("", (time.process_time_ns() - start) / coroutines)]


def start_and_join(coroutines: int) -> None:
    event = gevent.event.Event()
    greenlets = park(coroutines, event)
    event.set()
    gevent.joinall(greenlets, raise_error=True)


def park(coroutines: int, event: gevent.event.Event) -> list[gevent.Greenlet]:
    greenlets = [gevent.spawn(event.wait) for _ in range(coroutines)]
    # They are started by the hub, not by spawn: only after this do they wait.
    gevent.sleep(0)
    return greenlets


def measure_memory(round_: Round) -> Figures:
    coroutines = round_.parameters["coroutines"]
    event = gevent.event.Event()
    # The first one brings what all share.
    first = park(1, event)
    before = MemoryUse.current()
    start = time.process_time_ns()
    others = park(coroutines, event)
    took = time.process_time_ns() - start
    after = MemoryUse.current()
    event.set()
    gevent.joinall(first + others, raise_error=True)
    return after.growth_each(before, coroutines) + [("spawn", took / coroutines)]


def measure_timers(round_: Round) -> Figures:
    wake_ups = 0
    is_finish = False

    def sleep_on() -> None:
        nonlocal wake_ups
        while not is_finish:
            gevent.sleep(0.001)
            wake_ups += 1

    greenlets = [gevent.spawn(sleep_on) for _ in range(round_.parameters["sleepers"])]
    # What follows the start is not yet the steady state.
    gevent.sleep(round_.duration_ns / 4e9)
    first_count, first_time = wake_ups, time.process_time_ns()
    gevent.sleep(round_.duration_ns / 1e9)
    last_count, last_time = wake_ups, time.process_time_ns()
    is_finish = True
    gevent.joinall(greenlets, raise_error=True)
    return [("CPU", (last_time - first_time) / (last_count - first_count))]


def measure_overshoot(round_: Round) -> Figures:
    latencies = Latencies(round_.duration_ns)
    while latencies.wanted:
        start = time.perf_counter_ns()
        gevent.sleep(0.001)
        latencies.add(time.perf_counter_ns() - start - 1_000_000)
    return latencies.figures


def measure_pipe(round_: Round) -> Figures:
    size = round_.parameters["size"]
    there, back = os.pipe(), os.pipe()
    for descriptor in there + back:
        gevent.os.make_nonblocking(descriptor)
    message = bytes(size)

    def answer(count: int) -> None:
        for _ in range(count):
            write_all(back[1], read_exactly(there[0], size))

    steps = Steps(round_.duration_ns)
    for count in steps.timed():
        answerer = gevent.spawn(answer, count)
        for _ in range(count):
            write_all(there[1], message)
            read_exactly(back[0], size)
        answerer.get()
    return [("CPU", steps.each_ns / 1000)]


def read_exactly(descriptor: int, size: int) -> bytes:
    data = gevent.os.nb_read(descriptor, size)
    while len(data) < size:
        data += gevent.os.nb_read(descriptor, size - len(data))
    return data


def write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[gevent.os.nb_write(descriptor, data) :]


def measure_signal(round_: Round) -> Figures:
    event = gevent.event.Event()
    arrival = 0

    def arrive() -> None:
        nonlocal arrival
        arrival = time.perf_counter_ns()
        event.set()

    gevent.signal_handler(signal.SIGUSR1, arrive)
    process = os.getpid()
    latencies = Latencies(round_.duration_ns)
    while latencies.wanted:
        event.clear()
        start = time.perf_counter_ns()
        os.kill(process, signal.SIGUSR1)
        event.wait()
        latencies.add(arrival - start)
    return latencies.figures


WORKLOADS = {
    "yield": Workload(measure_yield, {"coroutines": None}),
    "spawn": Workload(measure_spawn, {}),
    "spawn-many": Workload(
        measure_spawn_many, {"coroutines": None, "stacks": ("fresh", "cached")}
    ),
    "memory": Workload(measure_memory, {"coroutines": None}),
    "timers": Workload(measure_timers, {"sleepers": None}),
    "overshoot": Workload(measure_overshoot, {}),
    "pipe": Workload(measure_pipe, {"size": None}),
    "signal": Workload(measure_signal, {}),
}
