"""The MQTT wire format, shared by the gateway that reads it and the simulators that speak it.

Prefix `parking/v1/{operator}/{car_park}/`. JSON in UTF-8, times in RFC 3339 with an offset. Decoded by msgspec, whose
structs are several times cheaper than validated models; a naive time is refused by `tz=True`. No `pattern` here: one
regular expression costs more than the rest of an event, so the reader looks for control characters itself.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

PREFIX: Final = "parking/v1"
PUBLIC_PREFIX: Final = "parking/v1/public"

PAYLOAD_BYTES_MAX: Final = 1024 * 1024
"""A message's limit; a resync of a car park fits five times."""
EVENTS_MAX: Final = 5_000
"""Events or counts in one message: what one transaction takes in well under a second."""

Instant = Annotated[datetime, Meta(tz=True)]
Label = Annotated[str, Meta(min_length=1, max_length=32)]
SpaceStateWord = Literal["free", "occupied", "unknown", "out_of_service"]
Sequence = Annotated[int, Meta(ge=0, le=2**53)]
Epoch = Annotated[str, Meta(max_length=64)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Total = Annotated[int, Meta(ge=0, le=2**53)]


class SpaceEvent(Struct, frozen=True, gc=False, omit_defaults=True):
    """A sensor's word on one space. `seq` grows per space within an `epoch` (one boot of the device)."""

    space: Label
    state: SpaceStateWord
    at: Instant
    seq: Sequence | None = None
    epoch: Epoch | None = None
    battery: Annotated[float, Meta(ge=0, le=1)] | None = None


class SpacesMessage(Struct, frozen=True):
    """`spaces`: up to EVENTS_MAX events; one bare event is allowed instead of the list."""

    events: Annotated[list[SpaceEvent], Meta(max_length=EVENTS_MAX)]


class CountReport(Struct, frozen=True, gc=False, omit_defaults=True):
    """`counts`: one counter's word. No zone = the whole car park. `free` or `occupied`, either stands for the other.

    `occupied > capacity` is kept as reported and flagged; negative numbers are refused. Where both are told, what they
    leave of the capacity is out of service, and together they are never more than it.
    """

    at: Instant
    zone: Label | None = None
    capacity: Count | None = None
    free: Count | None = None
    occupied: Count | None = None
    entered: Total | None = None
    left: Total | None = None
    seq: Sequence | None = None
    epoch: Epoch | None = None


class CountsMessage(Struct, frozen=True):
    """`counts`: several counters of one car park at once; one bare count is allowed instead of the list."""

    counts: Annotated[list[CountReport], Meta(max_length=EVENTS_MAX)]


class Plate(Struct, frozen=True, gc=False):
    """A number plate as the camera read it, before normalising."""

    plate: Annotated[str, Meta(min_length=1, max_length=32)]
    color: Literal["blue", "green", "yellow_green", "yellow", "black", "white"] | None = None


class PassageMessage(Struct, frozen=True, omit_defaults=True, rename={"class_": "class"}):
    """`passages`: one vehicle through one lane; `id` is unique in its car park and makes repeats harmless."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    lane: Label
    direction: Literal["entry", "exit"]
    at: Instant
    vehicle: Plate | None = None
    class_: Annotated[str, Meta(max_length=32)] | None = None
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None
    image: Annotated[str, Meta(max_length=2048)] | None = None
    ticket: Annotated[str, Meta(max_length=64)] | None = None


class StatusMessage(Struct, frozen=True, omit_defaults=True):
    """`status`, retained, also the will: whether the car park's own gateway is connected."""

    online: bool
    at: Instant
    software: Annotated[str, Meta(max_length=64)] | None = None


class AckMessage(Struct, frozen=True, omit_defaults=True):
    """`acks`: what became of an order at its device."""

    order: Annotated[str, Meta(min_length=1, max_length=64)]
    ok: bool
    at: Instant
    error: Annotated[str, Meta(max_length=512)] | None = None


OrderKindWord = Literal["open_barrier", "refuse_entry", "raise_lock", "lower_lock", "show_text", "resend_snapshot"]


class OrderMessage(Struct, frozen=True, omit_defaults=True):
    """`orders`, down, never retained: obey until `expires_at` and not after it, once for each `order`, then say so.

    A barrier, a refusal or a text names its `lane` (a text perhaps its `sign` instead), a lock its `space`.
    """

    order: Annotated[str, Meta(min_length=1, max_length=64)]
    kind: OrderKindWord
    expires_at: Instant
    reason: str
    lane: str | None = None
    space: str | None = None
    sign: str | None = None
    text: str | None = None


class RefusedMessage(Struct, frozen=True):
    """`errors`, down: a message, or a part of one, that was refused and put in the dead letters.

    `sha256` is of the whole payload as it was received. `index` is the first refused event's place in it and `refused`
    the number of events refused for this reason; both are absent when the message as a whole was refused.
    """

    topic: str
    reason: str
    detail: str
    at: datetime
    sha256: str
    index: int | UnsetType = UNSET
    refused: int | UnsetType = UNSET


class Topic(Struct, frozen=True, gc=False):
    """`parking/v1/{operator}/{car_park}/{kind}`, taken apart."""

    operator: str
    car_park: str
    kind: str


def up_topic(operator: str, car_park: str, kind: str) -> str:
    """Where a car park speaks (`spaces counts passages status acks`) and is spoken to (`orders errors`)."""
    return f"{PREFIX}/{operator}/{car_park}/{kind}"


def public_topic(car_park: str) -> str:
    """Where everyone reads a car park's availability, retained."""
    return f"{PUBLIC_PREFIX}/{car_park}"


def parse_topic(topic: str) -> Topic | None:
    """The parts of a car park's topic, or None when it has another shape."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[0] != "parking" or parts[1] != "v1" or not all(parts):
        return None
    return Topic(parts[2], parts[3], parts[4])
