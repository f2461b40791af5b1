"""The services, a greenlet a connection."""

import signal
import socket
from typing import Callable

import gevent
import gevent.queue
import gevent.socket
from address import BACKLOG, Address
from gevent.server import StreamServer
from peer import Service


def serve_connections(handle: Callable[[gevent.socket.socket], None], address: Address) -> None:
    listener = gevent.socket.socket(address.family, socket.SOCK_STREAM)
    if address.kind == "tcp":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address.name)
    listener.listen(BACKLOG)

    def serve(connection: gevent.socket.socket, _: object) -> None:
        # The server closes the connection when this returns.
        try:
            if address.kind == "tcp":
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            handle(connection)
        except OSError:
            # Whoever resets a connection has the right to.
            pass

    server = StreamServer(listener, serve)
    gevent.signal_handler(signal.SIGTERM, server.stop)
    server.start()
    with address.announced(listener.getsockname()):
        server.serve_forever()


def echo(connection: gevent.socket.socket) -> None:
    while data := connection.recv(16 * 1024):
        connection.sendall(data)


def stream(connection: gevent.socket.socket) -> None:
    queue = gevent.queue.Queue(16)
    sender = gevent.spawn(send_messages, connection, queue)
    try:
        while message := receive_message(connection):
            queue.put(message)
    finally:
        # What the sender's loop takes for the end.
        queue.put(StopIteration)
        sender.join()


def receive_message(connection: gevent.socket.socket) -> bytes | None:
    size = 512
    message = connection.recv(size)
    while len(message) < size:
        more = connection.recv(size - len(message))
        if not more:
            return None
        message += more
    return message


def send_messages(connection: gevent.socket.socket, queue: gevent.queue.Queue) -> None:
    try:
        for message in queue:
            connection.sendall(message)
    except OSError:
        # The receiver may wait for room. It comes to the connection's end soon.
        for _ in queue:
            pass


def serve_datagrams(address: Address) -> None:
    server = gevent.socket.socket(address.family, socket.SOCK_DGRAM)
    server.bind(address.name)

    def answer() -> None:
        while True:
            try:
                data, sender = server.recvfrom(2 * 1024)
                server.sendto(data, sender)
            except OSError:
                # Whether one arrives is nobody's promise.
                pass

    answerer = gevent.spawn(answer)
    gevent.signal_handler(signal.SIGTERM, answerer.kill, block=False)
    with address.announced(server.getsockname()):
        answerer.join()


SERVICES = {
    "echo": Service(lambda address: serve_connections(echo, address), ("tcp", "unix")),
    "stream": Service(lambda address: serve_connections(stream, address), ("tcp", "unix")),
    "datagram": Service(serve_datagrams, ("udp",)),
}
