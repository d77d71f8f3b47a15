"""A broker may answer pings and deliver nothing. While nothing is open between us, `link` has it asked for an echo."""

from collections.abc import Callable
from typing import Final

from gateway.connection import Connection
from kernel.clock import Clock

DEAF_AFTER_S: Final = 30.0
"""Silence after which we ask the broker to send us something, to see whether it still does."""
ECHO_TIMEOUT_S: Final = 10.0


class EchoWatch:
    """Told by `heard` of every message; `topic` lies within what we subscribe to, None = nothing is watched."""

    def __init__(self, clock: Clock, *, waiting: Callable[[], bool]) -> None:
        """`waiting`: whether the broker waits for us rather than we for it."""
        self._clock = clock
        self._waiting = waiting
        self._heard = False
        self.topic: str | None = None

    def heard(self) -> None:
        """The broker delivered something."""
        self._heard = True

    async def watch(self, connection: Connection) -> None:
        """Until `connection` turns out to be deaf and is abandoned."""
        silent_s = 0.0
        while self.topic is not None:
            await self._clock.sleep(1.0)
            silent_s = 0.0 if self._heard or self._waiting() else silent_s + 1.0
            self._heard = False
            if silent_s == DEAF_AFTER_S:
                connection.publish(self.topic, b"{}", retain=False)
            elif silent_s >= DEAF_AFTER_S + ECHO_TIMEOUT_S:
                connection.abandon("connected but deaf: the broker answers pings and delivers nothing")
                return
