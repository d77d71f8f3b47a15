"""A message and what it said: what waits to be stored."""

from msgspec import Struct
from msgspec.structs import replace

from gateway.events import Decoded
from gateway.received import Received
from gateway.refusals import Reason, Reject
from kernel.db_errors import is_data_error

FACT_BYTES = 250
"""A fact with its times, measured; what a message weighs beside its payload."""
MESSAGE_BYTES = 900
"""An empty one of ours with its envelope, measured."""
NOBODY = ""
"""The line of all who are no car park of ours: a flood of nonsense is one among hundreds."""


class Taken(Struct, frozen=True, gc=False):
    """One message with what it said. `events` is what the books count for it, whatever becomes of it."""

    message: Received
    said: Decoded
    events: int
    weight_bytes: int
    waits_aside: bool = False
    """In the line of strangers, though it is known: an earlier message of its speaker is there, from before."""

    @classmethod
    def of(cls, message: Received, said: Decoded) -> "Taken":
        events = said.received
        return cls(message, said, events, MESSAGE_BYTES + len(message.payload) + FACT_BYTES * events)

    @property
    def source(self) -> str:
        """In whose line it waits."""
        return NOBODY if self.said.car_park is None or self.waits_aside else self.said.car_park.id

    @property
    def speaker(self) -> str:
        """The device or the car park by the topic alone: the same before and after the registry knows it."""
        return self.message.topic.rpartition("/")[0]

    def aside(self) -> "Taken":
        """The same message in the line of strangers."""
        return replace(self, waits_aside=True)

    @property
    def weight(self) -> int:
        """What it takes of its line's share; what says nothing takes something as well."""
        return self.events or 1

    @property
    def dead(self) -> int:
        """Events of it that became no fact."""
        return self.events - self.said.good

    def refuse(self, reason: Reason, detail: str) -> "Taken":
        """The same message refused as a whole, after the database or a handler would not have it."""
        said = Decoded(self.said.car_park, rejects=(Reject(reason, detail),))
        return Taken(self.message, said, self.events, self.weight_bytes)

    def blame(self, error: Exception) -> "Taken":
        """The same message refused as a whole, because its transaction failed with `error`.

        The database's own words may quote rows, plates among them: they stay in our log.
        """
        reason = Reason.DATABASE_REFUSED if is_data_error(error) else Reason.HANDLER_FAILED
        return self.refuse(reason, f"it could not be stored ({type(error).__name__}); the log says more")
