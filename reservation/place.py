"""Which place is asked for, and under which terms it may be promised: a pool, a numbered space, or a shared one."""

from datetime import datetime, timedelta

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.ids import CarParkId, Slug
from kernel.db import Row, Tx
from kernel.edge_problems import MalformedBody
from kernel.moments import Moment
from reservation.errors import NotReservable, NotShared, UnknownCarPark, UnknownSpace, WindowRefused
from reservation.policy import Policy, Terms
from reservation.sql import places as sql
from reservation.stay import Place

LATE_REQUEST = timedelta(minutes=5)
"""A window may have begun so long ago: the request was on its way, or the driver's clock runs ahead."""
POOL_MAX = 32_767
"""As many as a counter holds."""
PLACES_MAX = 50_000
"""Remembered: about 30 MB."""


class PlaceIn(BaseModel):
    """`car_park`: any reservable space of it; with `space`, this numbered or shared one. A `space` whose label no other
    car park has may stand alone, or as `car_park/space`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    car_park: Slug | None = None
    space: str | None = Field(default=None, max_length=97, examples=["B1-032"])

    @model_validator(mode="after")
    def _named(self) -> "PlaceIn":
        if self.car_park is None and self.space is None:
            raise PydanticCustomError("place", "name a car_park, a space, or both")
        return self


class WindowIn(BaseModel):
    """`[from, until)`, with offsets."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    begins: Moment = Field(alias="from")
    until: Moment

    @model_validator(mode="after")
    def _forward(self) -> "WindowIn":
        if self.begins >= self.until:
            raise PydanticCustomError("window", "until must be later than from")
        return self


async def _found(tx: Tx, wanted: PlaceIn) -> tuple[Place, int]:
    """And the registry's revision at which it was so."""
    space = None if wanted.space is None else await find_space(tx, wanted)
    car_park = wanted.car_park if space is None else space["car_park"]
    assert car_park is not None, "one of the two is named"  # noqa: S101
    row = await sql.car_park(tx, CarParkId(car_park))
    if row is None:
        raise UnknownCarPark(car_park=car_park)
    if row["closed"]:
        raise NotReservable(f"{car_park} is closed", car_park=car_park)
    is_lent = space is not None and space["private"]
    if row["reservable"] <= 0 and not is_lent:
        raise NotReservable(f"{car_park} has no spaces that can be promised", car_park=car_park)
    place = Place(
        CarParkId(row["id"]),
        row["operator"],
        min(row["reservable"], POOL_MAX),
        policy_of(row),
        row["time_zone"],
        None if space is None else space["number"],
        None if space is None else space["label"],
        is_lent,
        private_spaces=row["private_spaces"],
        policy_at=row["policy_at"],
    )
    return place, row["revision"]


async def find_place(tx: Tx, wanted: PlaceIn) -> Place:
    """As it is now. Raises UnknownCarPark, UnknownSpace, NotReservable, MalformedBody when a label alone is not
    enough.
    """
    place, _ = await _found(tx, wanted)
    return place


class KnownPlaces:
    """Places that were asked for before, remembered by one process: the statement that promises one says when it has
    changed, so it is never promised as it no longer is.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[str | None, str | None], Place] = {}

    async def find(self, tx: Tx, wanted: PlaceIn) -> Place:
        """Perhaps as it was. Raises as `find_place` does."""
        asked = (wanted.car_park, wanted.space)
        known = self._places.get(asked)
        if known is None:
            place, revision = await _found(tx, wanted)
            if len(self._places) >= PLACES_MAX:
                self._places.clear()
            known = self._places[asked] = replace(place, revision=revision)
        return known

    def forget(self, wanted: PlaceIn) -> None:
        """What is known of it is no longer so."""
        self._places.pop((wanted.car_park, wanted.space), None)


def policy_of(row: Row) -> Policy:
    """What its operator set, over the defaults."""
    return Policy.model_validate(row["policy"] or {})


async def terms_for(tx: Tx, place: Place, begins: datetime, until: datetime) -> tuple[Terms, str | None]:
    """The terms of a stay, and the listing that lends the space. Raises WindowRefused, NotShared."""
    policy = place.policy
    notice_s, listing = policy.notice_s, None
    terms = Terms.of(policy)
    if place.is_lent:
        slot = await sql.slot_around(tx, place.space or 0, begins, until)
        if slot is None:
            raise NotShared(
                f"{place.label} of {place.car_park} is private and not lent for the whole of this time",
                car_park=place.car_park,
                space=place.label,
            )
        notice_s, listing = max(notice_s, slot["notice_s"]), slot["id"]
        terms = Terms.of(policy, price_per_hour=slot["price_per_hour"], owner_share_bp=slot["owner_share_bp"])
    _check_window(tx.now, policy, begins, until, timedelta(seconds=notice_s))
    return terms, listing


def _check_window(now: datetime, policy: Policy, begins: datetime, until: datetime, notice: timedelta) -> None:
    stay = until - begins
    if begins < now - LATE_REQUEST or until <= now:
        raise WindowRefused("it has begun already: from must not be in the past")
    if notice and begins < now + notice:
        raise WindowRefused(f"it must be booked {notice} before it begins", notice_s=int(notice.total_seconds()))
    if begins > now + timedelta(seconds=policy.ahead_s):
        raise WindowRefused(f"it begins more than {timedelta(seconds=policy.ahead_s)} ahead", ahead_s=policy.ahead_s)
    if stay < timedelta(seconds=policy.stay_s_min):
        raise WindowRefused(
            f"the shortest stay is {timedelta(seconds=policy.stay_s_min)}", stay_s_min=policy.stay_s_min
        )
    if stay > timedelta(seconds=policy.stay_s_max):
        raise WindowRefused(f"the longest stay is {timedelta(seconds=policy.stay_s_max)}", stay_s_max=policy.stay_s_max)


async def find_space(tx: Tx, wanted: PlaceIn) -> Row:
    """The numbered space that `wanted` names. Raises UnknownSpace, MalformedBody when a label alone is not enough."""
    car_park, label = wanted.car_park, wanted.space or ""
    if "/" in label:
        before, _, label = label.partition("/")
        if car_park not in (None, before):
            raise MalformedBody.of("space", f"is of {before}, car_park says {car_park}")
        car_park = before
    found = await sql.spaces(tx, label, None if car_park is None else CarParkId(car_park))
    if len(found) > 1:
        raise MalformedBody.of("car_park", f"several car parks have a space {label}: say which")
    if not found:
        where = "" if car_park is None else f" in {car_park}"
        raise UnknownSpace(f"no numbered space {label}{where}", car_park=car_park, space=label)
    return found[0]
