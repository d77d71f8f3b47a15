"""What one event of each kind means: the registry's identities put in, its clock checked against ours. Pure.

Each `take_*` answers with the fact, or says why the event became none.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from msgspec import Struct

from contracts.facts import CountSeen, DeviceHeard, PassageSeen, SpaceSeen, StatusSeen
from contracts.ids import OrderId, ZoneLabel
from contracts.vehicles import normalise_plate
from contracts.wire import AckMessage, CountReport, PassageMessage, SpaceEvent, StatusMessage
from gateway.directory import KnownCarPark
from gateway.heard import Heard
from gateway.refusals import Reason, Reject

YEAR_MIN: Final = 1970
"""A clock that never was set says 1970 and is stored as it came; what lies before is no clock."""
CAPACITY_MAX: Final = 100_000
"""The registry's own limit."""


class AckSeen(Struct, frozen=True, gc=False):
    """A device's answer to an order; whether there is such an order, and whose, is the database's to say."""

    order: OrderId
    ok: bool
    error: str | None
    at: datetime
    received_at: datetime


Fact = SpaceSeen | CountSeen | PassageSeen | StatusSeen | AckSeen


class Decoded(Struct, frozen=True, gc=False):
    """What one message said. Every event in it is one fact or one reject; a message refused as a whole is one reject.

    `car_park` is who spoke, None when nobody we know did. `heard`: a device on a network, with what it told of itself;
    `seen`: a device that is alive, which is no event;
    `codec`: the version of the profile that read it; `read_with`: that of the directory, where a device's settings
    decide what its bytes mean. Tuples, and nothing that the garbage collector would have to follow: thousands of these
    wait in the queue while the database is away.
    """

    car_park: KnownCarPark | None
    spaces: tuple[SpaceSeen, ...] = ()
    counts: tuple[CountSeen, ...] = ()
    passages: tuple[PassageSeen, ...] = ()
    statuses: tuple[StatusSeen, ...] = ()
    rejects: tuple[Reject, ...] = ()
    acks: tuple[AckSeen, ...] = ()
    heard: Heard | None = None
    seen: DeviceHeard | None = None
    codec: str = ""
    read_with: int | None = None

    @property
    def beats(self) -> int:
        """A device that was heard and told nothing else is one event: its heartbeat."""
        return int(self.heard is not None and not self.facts and not self.rejects)

    @property
    def good(self) -> int:
        """Events that are to be stored."""
        return self.facts or self.beats

    @property
    def facts(self) -> int:
        return len(self.spaces) + len(self.counts) + len(self.passages) + len(self.statuses) + len(self.acks)

    @property
    def received(self) -> int:
        """How many events the books must account for."""
        return self.good + len(self.rejects)

    @property
    def clock_ahead(self) -> int:
        """How many events told a time that lay in our future."""
        kinds: tuple[Sequence[Fact], ...] = (self.spaces, self.counts, self.passages, self.statuses, self.acks)
        return sum([fact.at is fact.received_at for kind in kinds if kind for fact in kind])


class Refused(NamedTuple):
    """Why one event became no fact."""

    reason: Reason
    detail: str


def take_space(event: SpaceEvent, car_park: KnownCarPark, received_at: datetime) -> SpaceSeen | Refused:
    """A space's state."""
    number = car_park.spaces.get(event.space)
    if number is None:
        return Refused(Reason.UNKNOWN_SPACE, f"car park {car_park.id!r} has no space {event.space!r}")
    epoch = event.epoch or ""
    if "\0" in epoch:
        return _FORBIDDEN_EPOCH
    at = _believed(event.at, received_at)
    if at is None:
        return _OUT_OF_RANGE
    seq = -1 if event.seq is None else event.seq
    return SpaceSeen(car_park.id, number, event.state, at, epoch, seq, event.battery, received_at, _told(event.at, at))


def take_count(report: CountReport, car_park: KnownCarPark, received_at: datetime) -> CountSeen | Refused:
    """A counter's word; a capacity it does not know is the registry's (decision 15)."""
    zone = report.zone or ""
    if zone:
        registered = car_park.zones.get(zone)
        if registered is None:
            return Refused(Reason.UNKNOWN_ZONE, f"car park {car_park.id!r} has no zone {zone!r}")
    else:
        registered = car_park.capacity
    capacity = registered if report.capacity is None else report.capacity
    believable = min(CAPACITY_MAX, plausible_capacity(registered))
    if capacity > max(registered, believable):
        detail = f"capacity {capacity} where {registered} are registered: at most {believable} is believed"
        return Refused(Reason.CAPACITY_IMPLAUSIBLE, detail)
    numbers = _numbers(report.free, report.occupied, capacity)
    if isinstance(numbers, Refused):
        return numbers
    occupied, out_of_service = numbers
    epoch = report.epoch or ""
    if "\0" in epoch:
        return _FORBIDDEN_EPOCH
    at = _believed(report.at, received_at)
    if at is None:
        return _OUT_OF_RANGE
    seq = -1 if report.seq is None else report.seq
    return CountSeen(
        car_park=car_park.id,
        zone=ZoneLabel(zone),
        capacity=capacity,
        occupied=occupied,
        entered=report.entered,
        left=report.left,
        at=at,
        epoch=epoch,
        seq=seq,
        received_at=received_at,
        told_at=_told(report.at, at),
        out_of_service=out_of_service,
    )


def take_passage(seen: PassageMessage, car_park: KnownCarPark, received_at: datetime) -> PassageSeen | Refused:
    """A vehicle through a lane. A car park that registered no lanes may name them as it likes."""
    if not (seen.id + seen.lane).isprintable():
        return Refused(Reason.FORBIDDEN_CHARACTER, "`id` and `lane` may hold printable characters only")
    plate = seen.vehicle.plate if seen.vehicle else ""
    if "\0" in "".join((plate, seen.class_ or "", seen.image or "", seen.ticket or "")):
        return Refused(Reason.FORBIDDEN_CHARACTER, "a text holds a NUL character")
    if car_park.lanes and seen.lane not in car_park.lanes:
        return Refused(Reason.UNKNOWN_LANE, f"car park {car_park.id!r} has no lane {seen.lane!r}")
    at = _believed(seen.at, received_at)
    if at is None:
        return _OUT_OF_RANGE
    return PassageSeen(
        car_park=car_park.id,
        id=seen.id,
        lane=seen.lane,
        direction=seen.direction,
        plate=normalise_plate(plate),
        color=seen.vehicle.color if seen.vehicle else None,
        vehicle_class=seen.class_,
        confidence=seen.confidence,
        image=seen.image,
        ticket=seen.ticket,
        at=at,
        received_at=received_at,
    )


def take_status(status: StatusMessage, car_park: KnownCarPark, received_at: datetime) -> StatusSeen | Refused:
    """The car park's own gateway came or went; also its will, which the broker speaks."""
    if "\0" in (status.software or ""):
        return Refused(Reason.FORBIDDEN_CHARACTER, "`software` holds a NUL character")
    at = _believed(status.at, received_at)
    if at is None:
        return _OUT_OF_RANGE
    return StatusSeen(car_park.id, status.online, status.software, at, received_at, _told(status.at, at))


def take_ack(ack: AckMessage, car_park: KnownCarPark, received_at: datetime) -> AckSeen | Refused:
    """A device's answer to an order."""
    del car_park  # whose order it is, the order itself says
    if "\0" in ack.order or "\0" in (ack.error or ""):
        return Refused(Reason.FORBIDDEN_CHARACTER, "a text holds a NUL character")
    at = _believed(ack.at, received_at)
    if at is None:
        return _OUT_OF_RANGE
    return AckSeen(OrderId(ack.order), ack.ok, ack.error, at, received_at)


def plausible_capacity(registered: int) -> int:
    """The greatest capacity a counter may tell: no single device shall spoil the city's sum."""
    return 2 * registered + 250


def _numbers(free: int | None, occupied: int | None, capacity: int) -> tuple[int, int] | Refused:
    """`occupied`, and what is neither that nor free where a counter tells both: free is never more than was told."""
    if free is None:
        if occupied is None:
            return Refused(Reason.NO_COUNT, "a count needs `free` or `occupied`")
        return occupied, 0
    if free > capacity:
        return Refused(Reason.FREE_OVER_CAPACITY, f"free {free} is more than the capacity {capacity}")
    if occupied is None:
        return capacity - free, 0
    if occupied > capacity:  # kept as reported; none is free then, whatever was told
        return occupied, 0
    if free + occupied > capacity:
        detail = f"free {free} and occupied {occupied} are more than the capacity {capacity}"
        return Refused(Reason.FREE_AND_OCCUPIED_DISAGREE, detail)
    return occupied, capacity - free - occupied


_OUT_OF_RANGE = Refused(Reason.TIME_OUT_OF_RANGE, f"`at` lies before the year {YEAR_MIN}")
_FORBIDDEN_EPOCH = Refused(Reason.FORBIDDEN_CHARACTER, "`epoch` holds a NUL character")


def _told(said: datetime, believed: datetime) -> datetime | None:
    """What a clock that runs ahead said, in UTC; None where it is what we believe."""
    if said == believed:
        return None
    try:
        return said.astimezone(UTC)
    except OverflowError:  # the last hours of the year 9999, west of here
        return datetime.max.replace(tzinfo=UTC)


def _believed(at: datetime, received_at: datetime) -> datetime | None:
    """`at` in UTC; `received_at` itself when it lies after that, None when it is no time we can keep."""
    if at > received_at:
        return received_at
    if at.year < YEAR_MIN:
        return None
    return at if at.tzinfo is UTC else at.astimezone(UTC)
