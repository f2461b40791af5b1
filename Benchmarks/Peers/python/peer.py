"""The command line of a peer: ../README.md says what it is."""

import argparse
import math
import sys
from dataclasses import dataclass
from typing import Callable, NoReturn

from address import Address
from process import raise_descriptor_limit


@dataclass
class Round:
    """What a workload is to measure, and for how long."""

    duration_ns: int
    parameters: dict[str, int | str]


@dataclass
class Workload:
    """A parameter has the values that it may take, or None if it is a positive number."""

    measure: Callable[[Round], list[tuple[str, float]]]
    parameters: dict[str, tuple[str, ...] | None]


@dataclass
class Service:
    """Serves at an address of one of these kinds until SIGTERM."""

    serve: Callable[[Address], None]
    kinds: tuple[str, ...]


class Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        refuse(f"The arguments can't be read: {message}.")


def refuse(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(64)


def main(version: str, workloads: dict[str, Workload], services: dict[str, Service]) -> None:
    parser = Arguments(add_help=False, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Arguments)
    commands.add_parser("list", add_help=False)
    round_ = commands.add_parser("round", add_help=False, allow_abbrev=False)
    round_.add_argument("--workload", required=True)
    round_.add_argument("--duration-ms", type=int, default=500)
    round_.add_argument("parameters", nargs="*")
    serve = commands.add_parser("serve", add_help=False, allow_abbrev=False)
    serve.add_argument("service")
    for kind in ("tcp", "unix", "udp"):
        serve.add_argument(f"--{kind}")
    serve.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()

    raise_descriptor_limit()
    if options.command == "list":
        print(f"version\t{version}")
        for name in workloads:
            print(f"round\t{name}")
        for name in services:
            print(f"serve\t{name}")
    elif options.command == "round":
        run_round(options, workloads)
    else:
        run_service(options, services)


def run_round(options: argparse.Namespace, workloads: dict[str, Workload]) -> None:
    workload = workloads.get(options.workload)
    if workload is None:
        refuse(f"'{options.workload}' is no workload: the command list names them.")
    if options.duration_ms <= 0:
        refuse("The duration must be a positive number of milliseconds.")
    parameters = parse_parameters(options.parameters, workload.parameters)
    for name, value in workload.measure(Round(options.duration_ms * 1_000_000, parameters)):
        print(f"{name}\t{'nan' if math.isnan(value) else format(value, '.3f')}")


def parse_parameters(
    pairs: list[str], expected: dict[str, tuple[str, ...] | None]
) -> dict[str, int | str]:
    given: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or name not in expected:
            refuse(f"'{pair}' is no parameter of this workload.")
        given[name] = value
    result: dict[str, int | str] = {}
    for name, choices in expected.items():
        if name not in given:
            refuse(f"The parameter '{name}' is missing.")
        value = given[name]
        if choices is not None:
            if value not in choices:
                refuse(f"The parameter '{name}' must be {' or '.join(choices)}, not '{value}'.")
            result[name] = value
        elif value.isdecimal() and int(value) > 0:
            result[name] = int(value)
        else:
            refuse(f"The parameter '{name}' must be a positive number, not '{value}'.")
    return result


def run_service(options: argparse.Namespace, services: dict[str, Service]) -> None:
    service = services.get(options.service)
    if service is None:
        refuse(f"'{options.service}' is no service: the command list names them.")
    if options.threads != 1:
        refuse("All connections are served by one thread.")
    given = [kind for kind in ("tcp", "unix", "udp") if getattr(options, kind) is not None]
    if len(given) != 1 or given[0] not in service.kinds:
        wanted = " or ".join(f"--{kind}" for kind in service.kinds)
        refuse(f"The service '{options.service}' needs {wanted}, and no other address.")
    text = getattr(options, given[0])
    try:
        address = Address.parse(given[0], text)
    except ValueError:
        refuse(f"'{text}' is no address: it must read HOST:PORT.")
    try:
        service.serve(address)
    except OSError as error:
        sys.exit(f"The service can't listen on {text}: {error}.")
