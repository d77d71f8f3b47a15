"""A service that is away for a while is asked again, but not for ever."""

import asyncio

import pytest

from kernel.clock import ManualClock
from simulators.operator_api import NotAllowed, Unavailable, patiently


async def _moved(clock: ManualClock, asking: "asyncio.Task[str]") -> str:
    while not asking.done():
        clock.advance(1)
        await clock.sleep(0)
    return await asking


async def test_asked_again_until_it_answers(clock: ManualClock) -> None:
    answers = iter([False, False, True])

    async def call() -> str:
        if not next(answers):
            raise Unavailable("starting")
        return "ready"

    assert await _moved(clock, asyncio.create_task(patiently(call, clock))) == "ready"


async def test_patience_ends(clock: ManualClock) -> None:
    async def call() -> str:
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        await _moved(clock, asyncio.create_task(patiently(call, clock, patience_s=10)))
    assert 10 < clock.monotonic() < 30


async def test_a_refusal_is_final(clock: ManualClock) -> None:
    async def call() -> str:
        raise NotAllowed("not yours")

    with pytest.raises(NotAllowed, match="not yours"):
        await patiently(call, clock)
