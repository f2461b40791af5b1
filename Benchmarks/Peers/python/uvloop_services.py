"""The services, as protocols: what asyncio has for those who want speed."""

import asyncio
import signal

import uvloop
from address import BACKLOG, Address
from peer import Service


class Echo(asyncio.Protocol):
    """Receives as much at a time as uvloop does for a protocol: up to 250 KiB.

    A buffer of its own would keep it to 16 KiB, at two more calls and a copy each time. The
    transport sets TCP_NODELAY.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, sender: tuple) -> None:
        self.transport.sendto(data, sender)


async def termination() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, event.set)
    await event.wait()


async def serve_echo(address: Address) -> None:
    loop = asyncio.get_running_loop()
    if address.kind == "unix":
        server = await loop.create_unix_server(Echo, address.path, backlog=BACKLOG)
    else:
        server = await loop.create_server(Echo, address.host, address.port, backlog=BACKLOG)
    with address.announced(server.sockets[0].getsockname()):
        await termination()


async def serve_datagrams(address: Address) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=address.name)
    with address.announced(transport.get_extra_info("sockname")):
        await termination()


SERVICES = {
    "echo": Service(lambda address: uvloop.run(serve_echo(address)), ("tcp", "unix")),
    "datagram": Service(lambda address: uvloop.run(serve_datagrams(address)), ("udp",)),
}
