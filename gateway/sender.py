"""Sends what waits in the outbox, as fast as the broker's window and our own rate allow.

`link` tells it when a connection begins and ends; what an end leaves open goes back into the outbox.
"""

import asyncio
from typing import Final

import structlog

from gateway.connection import Connection
from gateway.outbox import Delivery, Outbox, Outgoing
from kernel.clock import Clock

_log = structlog.get_logger(__name__)

PUBLISHES_S_MAX: Final = 2_000
"""More would only repeat car parks within a tenth of a second; what waits coalesces."""
PUBLISH_BURST: Final = 400
FAILURE: Final = 0x80
"""Reason codes from here on say no (MQTT 5, section 2.4); 3.1.1 has none."""


class Sender:
    """Empties `outbox` into one connection after the other; `refused` counts what a broker said no to."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._connection: Connection | None = None
        self._in_flight: dict[int, Outgoing] = {}
        self._tokens = float(PUBLISH_BURST)
        self._tokens_at = clock.monotonic()
        self._planned = False
        self.refused = 0

    def begin(self, connection: Connection) -> None:
        """Send through this one, which the broker has greeted."""
        self._connection = connection
        self.plan()

    def end(self) -> None:
        """The connection is over."""
        self._connection = None
        unsent, self._in_flight = self._in_flight, {}
        self._outbox.give_back(unsent.values())

    @property
    def unconfirmed(self) -> int:
        """Messages that wait, or are under way without the broker's acknowledgement."""
        return len(self._outbox) + len(self._in_flight)

    def published(self, mid: int, reason: int) -> None:
        """The broker has acknowledged one, or refused it."""
        sent = self._in_flight.pop(mid, None)
        if sent is not None and sent.settle is not None:
            sent.settle(Delivery.REFUSED if reason >= FAILURE else Delivery.TAKEN)
        if reason >= FAILURE and sent is not None:
            self.refused += 1
            _log.warning("publish_refused", topic=sent.topic, reason=reason)
        if self._outbox:
            self.plan()

    def plan(self, delay_s: float = 0) -> None:
        """Send soon, never at once: what is put into the outbox in this turn of the loop goes together."""
        if not self._planned:
            self._planned = True
            asyncio.get_running_loop().call_later(delay_s, self._send)

    def _send(self) -> None:
        """Send what the window and the rate allow; comes back by itself when only the rate was in the way."""
        self._planned = False
        connection = self._connection
        if connection is None:
            return
        now = self._clock.monotonic()
        self._tokens = min(PUBLISH_BURST, self._tokens + (now - self._tokens_at) * PUBLISHES_S_MAX)
        self._tokens_at = now
        while connection.window_open and self._outbox:
            if self._tokens < 1:
                self.plan(0.02)
                return
            outgoing = self._outbox.take()
            if outgoing is None:
                return
            left_s = self._left_s(outgoing)
            if outgoing.settle is not None and left_s is not None and left_s <= 0:
                outgoing.settle(Delivery.LOST)
                continue
            self._tokens -= 1
            mid = connection.publish(outgoing.topic, outgoing.make(), retain=outgoing.retain, left_s=left_s)
            self._in_flight[mid] = outgoing

    def _left_s(self, outgoing: Outgoing) -> float | None:
        """How long it may still be delivered; None = for ever."""
        return None if outgoing.deadline is None else (outgoing.deadline - self._clock.now()).total_seconds()
