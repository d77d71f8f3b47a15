"""What the gateway hands to the other services, inside its own transaction.

A fact is a device's word after decoding, with the identities of the registry put in and its clock checked against
ours. `at` is when the device says it happened, never later than `received_at`. `app.compose` gives the gateway the
handlers, so the services meet without importing each other.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from msgspec import Struct, field

from contracts.availability import Availability
from contracts.ids import CarParkId, DeviceId, SpaceNumber, ZoneLabel
from contracts.wire import SpaceStateWord
from kernel.db import Tx

# `told_at` is what a clock that runs ahead said, where `at` was clamped: it is the identity of the fact, so that a
# repeat, clamped to another moment, is still the same. None where `at` is what was said.


class SpaceSeen(Struct, frozen=True, gc=False):
    """A space's state, from its sensor. A missing `epoch` is "", a missing `seq` -1: (at, epoch, seq) orders truth."""

    car_park: CarParkId
    space: SpaceNumber
    state: SpaceStateWord
    at: datetime
    epoch: str
    seq: int
    battery: float | None
    received_at: datetime
    told_at: datetime | None = None


class CountSeen(Struct, frozen=True, gc=False):
    """A counter's word on a zone, or with `zone` "" on the whole car park. `occupied` may exceed `capacity`.

    `out_of_service` is what a counter that tells free and occupied leaves of its capacity.
    """

    car_park: CarParkId
    zone: ZoneLabel
    capacity: int
    occupied: int
    entered: int | None
    left: int | None
    at: datetime
    epoch: str
    seq: int
    received_at: datetime
    told_at: datetime | None = None
    out_of_service: int = 0


class PassageSeen(Struct, frozen=True):
    """A vehicle went through a lane. `plate` is normalised; None for an unlicensed vehicle, which has a `ticket`."""

    car_park: CarParkId
    id: str
    lane: str
    direction: str
    plate: str | None
    color: str | None
    vehicle_class: str | None
    confidence: float | None
    image: str | None
    ticket: str | None
    at: datetime
    received_at: datetime


class StatusSeen(Struct, frozen=True):
    """A car park's own gateway came online or went offline."""

    car_park: CarParkId
    online: bool
    software: str | None
    at: datetime
    received_at: datetime
    told_at: datetime | None = None


Fact = SpaceSeen | CountSeen | PassageSeen | StatusSeen


class DeviceHeard(Struct, frozen=True, gc=False):
    """A device of a LoRaWAN network was heard: what an uplink, or its network server, told of the device itself.

    `battery` is 0..1 where a share is told, `battery_mv` millivolts; `rssi` dBm and `snr` dB of the gateway
    that heard it best.
    """

    device: DeviceId
    car_park: CarParkId
    at: datetime
    received_at: datetime
    battery: float | None = None
    battery_mv: int | None = None
    battery_low: bool | None = None
    temperature_c: float | None = None
    rssi: float | None = None
    snr: float | None = None


class Facts(Struct, frozen=True):
    """One batch of facts, in arrival order within each kind."""

    spaces: Sequence[SpaceSeen] = ()
    counts: Sequence[CountSeen] = ()
    passages: Sequence[PassageSeen] = ()
    statuses: Sequence[StatusSeen] = ()


class Tally(Struct):
    """What became of a car park's facts: received = stored + duplicate + late + dead."""

    stored: int = 0
    duplicate: int = 0
    late: int = 0


class Recorded(Struct):
    """What recording a batch changed: tallies by car park, passages not known before, what to publish after commit.

    `kept` are the very facts that were not known before, `late` those of them that moved nothing because a newer one
    was known: for whoever has to answer for each of his facts.
    """

    tallies: dict[CarParkId, Tally] = field(default_factory=dict)
    new_passages: list[PassageSeen] = field(default_factory=list)
    availabilities: list[Availability] = field(default_factory=list)
    kept: Facts = Facts()
    late: Sequence[Fact] = ()


RecordFacts = Callable[[Tx, Facts], Awaitable[Recorded]]
"""occupancy's verb, run by the gateway in its transaction."""

PassageHandler = Callable[[Tx, Sequence[PassageSeen]], Awaitable[None]]
"""Billing and reservation hear of the new passages of a batch in the same transaction: together, so that each can lock
what it moves at once and in order.
"""

HeardHandler = Callable[[Tx, Sequence[DeviceHeard]], Awaitable[None]]
"""Whoever watches over devices hears of every uplink of a batch, copies included, in the same transaction."""
