"""Asks processes of ours whether they are ready, without an HTTP library: the supervisor stays small."""

import asyncio
from collections.abc import Iterable
from urllib.parse import urlsplit

from app.exit_codes import CommandFailed, Exit
from kernel.clock import Clock

READY_S_MAX = 120.0  # a database that recovers from a crash may take a minute; what is not ready by then never is
ANSWER_S_MAX = 3.0
ASK_EVERY_S = 0.05


async def all_ready(addresses: Iterable[str], clock: Clock) -> None:
    """Wait until every `http://host:port` answers /readyz with 200. Raises CommandFailed after READY_S_MAX."""
    try:
        async with asyncio.timeout(READY_S_MAX):
            await asyncio.gather(*(_until_ready(address, clock) for address in addresses))
    except TimeoutError:
        message = f"not everything was ready within {READY_S_MAX:g} s; the log says what is missing"
        raise CommandFailed(Exit.FAILED, message) from None


async def _until_ready(address: str, clock: Clock) -> None:
    while not await is_ready(address):
        await clock.sleep(ASK_EVERY_S)


async def is_ready(address: str) -> bool:
    """Does `address` answer /readyz with 200 now?"""
    where = urlsplit(address)
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            try:
                writer.write(b"GET /readyz HTTP/1.0\r\nHost: berth\r\n\r\n")
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status.split()[1:2] == [b"200"]
