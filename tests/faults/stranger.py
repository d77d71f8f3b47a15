"""Whoever else connects to the broker under the gateway's name, or says what nobody should: MQTT 3.1.1 by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.processes import LOOPBACK

_CONNACK_BYTES = 4
_CLEAN = 0x02


@asynccontextmanager
async def connected_as(client_id: str, port: int, *, clean: bool) -> AsyncIterator[asyncio.StreamReader]:
    """A connection that throws out whoever has this name now; `clean` forgets the session as well.

    It never acknowledges what it is sent, and its end is no farewell.
    """
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        name = client_id.encode()
        body = b"\x00\x04MQTT\x04" + bytes([_CLEAN if clean else 0]) + b"\x00\x3c" + len(name).to_bytes(2, "big") + name
        writer.write(b"\x10" + bytes([len(body)]) + body)
        answer = await reader.readexactly(_CONNACK_BYTES)
        assert answer[3] == 0, f"the broker refused {client_id}: {answer!r}"
        yield reader
    finally:
        writer.transport.abort()
