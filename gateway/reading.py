"""Messages are read with the copy of the registry, which is looked into again before anyone is refused as unknown."""

from typing import Final

import structlog

from gateway.decode import decode
from gateway.directory import ELSEWHERE
from gateway.events import Decoded
from gateway.partition import ECHO_KIND
from gateway.received import Received
from gateway.refresh_directory import RegistryCopy
from gateway.refusals import CURABLE, Reason, Reject
from gateway.taken import Taken
from kernel.db import DatabaseAway

_log = structlog.get_logger(__name__)

OURS: Final = frozenset({"orders", "errors", ECHO_KIND, ELSEWHERE})
"""What a broker sends to us because we listen to every kind: nothing to store, or not for us."""


class Reading:
    """What messages say to a gateway with this copy of the registry."""

    def __init__(self, copy: RegistryCopy) -> None:
        self._copy = copy

    def take(self, message: Received) -> Taken:
        """Never raises, whatever a device sent."""
        return Taken.of(message, self._decode(message))

    async def ask_again(self, batch: list[Taken]) -> None:
        """Before anything is refused as unknown, look into the registry as it is now.

        And before a radio sensor is believed: what its bytes mean, and of which space, is decided by its settings.
        """
        strangers = [
            place
            for place, taken in enumerate(batch)
            if taken.said.rejects and any(reject.reason in CURABLE for reject in taken.said.rejects)
        ]
        sensors = [place for place, taken in enumerate(batch) if taken.said.read_with is not None]
        if not strangers and not sensors:
            return
        await self._look_into_registry()
        version = self._copy.directory.version
        for place in {*strangers, *(place for place in sensors if batch[place].said.read_with != version)}:
            batch[place] = self.take(batch[place].message)

    async def _look_into_registry(self) -> None:
        """Raises DatabaseAway for whatever is wrong: nobody is refused because we could not look."""
        try:
            await self._copy.refresh()
        except Exception as error:
            raise DatabaseAway(f"the registry cannot be read: {error!r}") from error

    def _decode(self, message: Received) -> Decoded:
        directory = self._copy.directory
        if directory.speaker(message.topic).kind in OURS:
            return Decoded(None)
        try:
            return decode(
                message.topic, message.payload, message.received_at, directory, payload_bytes=message.payload_bytes
            )
        except Exception as error:
            # A defect of ours; raised into the link, it would cut the connection and meet the same message again.
            _log.exception("decoder_failed", topic=message.topic)
            return Decoded(None, rejects=(Reject(Reason.HANDLER_FAILED, f"the decoder failed: {error!r}"),))
