"""What promises are, as plain as it can be said: dictionaries and loops, no code of the service."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
ACTIVE = ("held", "confirmed", "checked_in")
CANCEL_FEE, OVERSTAY_PER_HOUR, PRICE_PER_HOUR = 0.3, 1_000, 500
HOLD, EARLY, LATE, GRACE, FREE_CANCEL = (timedelta(minutes=minutes) for minutes in (5, 15, 30, 15, 15))


class Refused(Exception):
    """By its problem's slug."""


@dataclass
class Kept:
    """One promise."""

    car_park: str
    space: str | None
    vehicle: int
    begins: datetime
    until: datetime
    hold_until: datetime
    latest: datetime
    price: int
    occupies: tuple[datetime, datetime]
    state: str = "held"
    version: int = 1
    fee: int = 0
    overstayed: bool = False

    def seen(self, now: datetime) -> str:
        """Its state as it is now, whether or not anybody wrote it."""
        if self.state == "held" and now >= self.hold_until:
            return "expired"
        return "no_show" if self.state == "confirmed" and now > self.latest else self.state


@dataclass
class Model:
    """A city of two pools; `used` counts each minute of each."""

    capacity: dict[str, int]
    kept: dict[str, Kept] = field(default_factory=dict)
    used: Counter[tuple[str, datetime]] = field(default_factory=Counter)

    def hold(self, now: datetime, name: str, wanted: Kept) -> None:
        window = (wanted.begins, wanted.until)
        active = [kept for kept in self.kept.values() if kept.state in ACTIVE and overlap(kept.occupies, window)]
        if wanted.latest <= now:
            raise Refused("window-refused")
        if any(kept.vehicle == wanted.vehicle for kept in active):
            raise Refused("vehicle-promised")
        if wanted.space and any((kept.car_park, kept.space) == (wanted.car_park, wanted.space) for kept in active):
            raise Refused("no-space-left")
        self._take(wanted.car_park, minutes(*window))
        self.kept[name] = wanted

    def confirm(self, now: datetime, name: str) -> None:
        self._must_be(now, name, "held")
        self._moved(name, "confirmed")

    def extend(self, now: datetime, name: str, until: datetime) -> None:
        kept = self.kept[name]
        if kept.seen(now) in ACTIVE and until <= kept.until:
            raise Refused("window-refused")
        self._must_be(now, name, *ACTIVE)
        if until <= now:
            raise Refused("window-refused")
        wider = (kept.occupies[0], until)
        for other_name, other in self.kept.items():
            if other_name != name and other.state in ACTIVE and overlap(other.occupies, wider):
                if other.vehicle == kept.vehicle:
                    raise Refused("vehicle-promised")
                if kept.space and (other.car_park, other.space) == (kept.car_park, kept.space):
                    raise Refused("no-space-left")
        over = now > kept.until + GRACE
        since = max(ceil(kept.occupies[1]), floor(now))
        self._take(kept.car_park, minutes(since, until) if since < until else [])
        kept.price += fen(OVERSTAY_PER_HOUR, now - kept.until) if over else 0
        kept.price += fen(PRICE_PER_HOUR, until - (now if over else kept.until))
        kept.until, kept.occupies, kept.overstayed = until, wider, False
        kept.latest = max(kept.latest, min(kept.begins + LATE, until))
        kept.version += 1

    def cancel(self, now: datetime, name: str) -> None:
        kept = self.kept[name]
        self._must_be(now, name, "held", "confirmed")
        late = kept.state == "confirmed" and now > kept.begins - FREE_CANCEL
        self._end(now, name, "cancelled", fee=int(kept.price * CANCEL_FEE + 1e-9) if late else 0)

    def arrive(self, now: datetime, name: str) -> None:
        kept = self.kept[name]
        self._must_be(now, name, "confirmed")
        if now < kept.occupies[0]:
            earlier = (now, kept.occupies[1])
            for other_name, other in self.kept.items():
                if other_name != name and other.state in ACTIVE and overlap(other.occupies, earlier):
                    if other.vehicle == kept.vehicle:
                        raise Refused("vehicle-promised")
                    if kept.space and (other.car_park, other.space) == (kept.car_park, kept.space):
                        raise Refused("no-space-left")
            since = floor(kept.occupies[0])
            self._take(kept.car_park, minutes(now, since) if now < since else [])
            kept.occupies = earlier
        self._moved(name, "checked_in")

    def leave(self, now: datetime, name: str) -> None:
        kept = self.kept[name]
        self._must_be(now, name, "checked_in")
        late = now > kept.until + GRACE
        self._end(now, name, "completed", fee=fen(OVERSTAY_PER_HOUR, now - kept.until) if late else 0)
        kept.overstayed = now > kept.until

    def sweep(self, now: datetime) -> None:
        for name, kept in self.kept.items():
            if kept.seen(now) != kept.state:
                self._end(now, name, kept.seen(now), fee=kept.price if kept.seen(now) == "no_show" else 0)

    def _must_be(self, now: datetime, name: str, *states: str) -> None:
        if self.kept[name].seen(now) not in states:
            raise Refused("wrong-state")

    def _moved(self, name: str, state: str) -> None:
        self.kept[name].state = state
        self.kept[name].version += 1

    def _take(self, car_park: str, taken: list[datetime]) -> None:
        if any(self.used[car_park, minute] >= self.capacity[car_park] for minute in taken):
            raise Refused("no-space-left")
        self.used.update((car_park, minute) for minute in taken)

    def _end(self, now: datetime, name: str, state: str, *, fee: int) -> None:
        kept = self.kept[name]
        begins, until = kept.occupies
        self.used.subtract((kept.car_park, minute) for minute in minutes(begins, until) if minute >= now)
        kept.occupies, kept.fee = (begins, max(begins, min(until, now))), fee
        self._moved(name, state)


def overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[0] < one[1] and other[0] < other[1]


def minutes(begins: datetime, until: datetime) -> list[datetime]:
    """Every minute that `[begins, until)` touches."""
    return list(itertools.takewhile(lambda minute: minute < until, _from(floor(begins))))


def _from(minute: datetime) -> Iterator[datetime]:
    while True:
        yield minute
        minute += MINUTE


def floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def ceil(at: datetime) -> datetime:
    return at if floor(at) == at else floor(at) + MINUTE


def fen(per_hour: int, stay: timedelta) -> int:
    """By started minutes, rounded up."""
    started = -(-stay // MINUTE)
    return -(-per_hour * started // 60)
