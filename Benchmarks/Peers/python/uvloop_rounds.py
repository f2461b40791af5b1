"""The workloads, by tasks."""

import asyncio
import os
import signal
import time
from typing import Awaitable, Callable

import uvloop
from measuring import Latencies, Steps
from peer import Round, Workload
from process import MemoryUse

Figures = list[tuple[str, float]]


async def measure_yield(round_: Round) -> Figures:
    coroutines = round_.parameters["coroutines"]
    steps = Steps(round_.duration_ns)
    while steps.wanted:
        times = max(2, steps.wanted // coroutines)
        steps.took(coroutines * times, await yield_among(coroutines, times))
    return [("", steps.each_ns)]


async def yield_among(coroutines: int, times: int) -> int:
    ends: list[int] = []

    async def turn() -> None:
        # The first one hands back to whoever starts us: it is not counted.
        await asyncio.sleep(0)
        for _ in range(times):
            await asyncio.sleep(0)
        # All others are at their last one too. Their ends are not counted.
        if not ends:
            ends.append(time.process_time_ns())

    tasks = [asyncio.create_task(turn()) for _ in range(coroutines)]
    await asyncio.sleep(0)
    start = time.process_time_ns()
    await asyncio.gather(*tasks)
    return ends[0] - start


async def nothing() -> None:
    pass


async def measure_spawn(round_: Round) -> Figures:
    steps = Steps(round_.duration_ns)
    for count in steps.timed():
        for _ in range(count):
            await asyncio.create_task(nothing())
    return [("", steps.each_ns)]


async def measure_spawn_many(round_: Round) -> Figures:
    coroutines = round_.parameters["coroutines"]
    if round_.parameters["stacks"] == "cached":
        await start_and_join(coroutines)
    start = time.process_time_ns()
    await start_and_join(coroutines)
    return [("", (time.process_time_ns() - start) / coroutines)]


async def start_and_join(coroutines: int) -> None:
    event = asyncio.Event()
    tasks = await park(coroutines, event)
    event.set()
    await asyncio.gather(*tasks)


async def park(coroutines: int, event: asyncio.Event) -> list[asyncio.Task]:
    tasks = [asyncio.create_task(event.wait()) for _ in range(coroutines)]
    # They are started by the loop, not by create_task: only after this do they wait.
    await asyncio.sleep(0)
    return tasks


async def measure_memory(round_: Round) -> Figures:
    coroutines = round_.parameters["coroutines"]
    event = asyncio.Event()
    # The first one brings what all share.
    first = await park(1, event)
    before = MemoryUse.current()
    start = time.process_time_ns()
    others = await park(coroutines, event)
    took = time.process_time_ns() - start
    after = MemoryUse.current()
    event.set()
    await asyncio.gather(*first, *others)
    return after.growth_each(before, coroutines) + [("spawn", took / coroutines)]


async def measure_timers(round_: Round) -> Figures:
    wake_ups = 0
    is_finish = False

    async def sleep_on() -> None:
        nonlocal wake_ups
        while not is_finish:
            await asyncio.sleep(0.001)
            wake_ups += 1

    tasks = [asyncio.create_task(sleep_on()) for _ in range(round_.parameters["sleepers"])]
    # What follows the start is not yet the steady state.
    await asyncio.sleep(round_.duration_ns / 4e9)
    first_count, first_time = wake_ups, time.process_time_ns()
    await asyncio.sleep(round_.duration_ns / 1e9)
    last_count, last_time = wake_ups, time.process_time_ns()
    is_finish = True
    await asyncio.gather(*tasks)
    return [("CPU", (last_time - first_time) / (last_count - first_count))]


async def measure_overshoot(round_: Round) -> Figures:
    latencies = Latencies(round_.duration_ns)
    while latencies.wanted:
        start = time.perf_counter_ns()
        await asyncio.sleep(0.001)
        latencies.add(time.perf_counter_ns() - start - 1_000_000)
    return latencies.figures


async def measure_pipe(round_: Round) -> Figures:
    size = round_.parameters["size"]
    there_reader, there_writer = await open_pipe()
    back_reader, back_writer = await open_pipe()
    message = bytes(size)

    async def answer(count: int) -> None:
        for _ in range(count):
            back_writer.write(await there_reader.readexactly(size))

    steps = Steps(round_.duration_ns)
    for count in steps.timed():
        answerer = asyncio.create_task(answer(count))
        for _ in range(count):
            there_writer.write(message)
            await back_reader.readexactly(size)
        await answerer
    for writer in (there_writer, back_writer):
        writer.close()
    return [("CPU", steps.each_ns / 1000)]


async def open_pipe() -> tuple[asyncio.StreamReader, asyncio.WriteTransport]:
    """Opens one whose writer never has to be waited for: a message waits for its answer."""
    loop = asyncio.get_running_loop()
    read_end, write_end = os.pipe()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", 0)
    )
    writer, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(write_end, "wb", 0))
    return reader, writer


async def measure_signal(round_: Round) -> Figures:
    event = asyncio.Event()
    arrival = 0

    def arrive() -> None:
        nonlocal arrival
        arrival = time.perf_counter_ns()
        event.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, arrive)
    process = os.getpid()
    latencies = Latencies(round_.duration_ns)
    while latencies.wanted:
        event.clear()
        start = time.perf_counter_ns()
        os.kill(process, signal.SIGUSR1)
        await event.wait()
        latencies.add(arrival - start)
    return latencies.figures


def on_uvloop(measure: Callable[[Round], Awaitable[Figures]]) -> Callable[[Round], Figures]:
    return lambda round_: uvloop.run(measure(round_))


WORKLOADS = {
    "yield": Workload(on_uvloop(measure_yield), {"coroutines": None}),
    "spawn": Workload(on_uvloop(measure_spawn), {}),
    "spawn-many": Workload(
        on_uvloop(measure_spawn_many), {"coroutines": None, "stacks": ("fresh", "cached")}
    ),
    "memory": Workload(on_uvloop(measure_memory), {"coroutines": None}),
    "timers": Workload(on_uvloop(measure_timers), {"sleepers": None}),
    "overshoot": Workload(on_uvloop(measure_overshoot), {}),
    "pipe": Workload(on_uvloop(measure_pipe), {"size": None}),
    "signal": Workload(on_uvloop(measure_signal), {}),
}
