"""A socket to the broker without blocking the loop: name, TCP, TLS."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final

from gateway.address import BrokerAddress

RECEIVE_BUFFER_BYTES: Final = 2 * 1024 * 1024
"""What the kernel takes in while the loop is busy; the broker is not slowed by a pause of ours."""


async def dial(address: BrokerAddress, ca_file: str | None) -> socket.socket:
    """A connected non-blocking socket, with TLS where asked for. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionError(f"{address.host} has no address")
    for family, kind, protocol, _name, where in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, where)
            return await _encrypt(sock, address.host, ca_file) if address.tls else sock
        except OSError as error:
            failure = error
            sock.close()
        except BaseException:
            sock.close()
            raise
    raise failure


async def _encrypt(sock: socket.socket, host: str, ca_file: str | None) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=ca_file)
    encrypted = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)  # takes `sock` over
    try:
        await _shake_hands(encrypted)
    except BaseException:
        encrypted.close()
        raise
    return encrypted


async def _shake_hands(encrypted: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            encrypted.do_handshake()
        except ssl.SSLWantReadError:
            await _turn(encrypted.fileno(), loop.add_reader, loop.remove_reader)
        except ssl.SSLWantWriteError:
            await _turn(encrypted.fileno(), loop.add_writer, loop.remove_writer)
        else:
            return


async def _turn(fd: int, watch: Callable[..., None], unwatch: Callable[[int], bool]) -> None:
    turn = asyncio.Event()
    watch(fd, turn.set)
    try:
        await turn.wait()
    finally:
        unwatch(fd)
