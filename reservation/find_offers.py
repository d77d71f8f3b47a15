"""What can be promised near a place, or at a car park, for a window: each with its price, its terms and its end."""

import math
from datetime import timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.ids import CarParkId
from contracts.near import EARTH_RADIUS_M
from kernel.db import Row, Tx
from reservation.errors import UnknownCarPark
from reservation.offer import Offer, good_until
from reservation.place import LATE_REQUEST, policy_of
from reservation.policy import Policy, Terms
from reservation.sql import offers as sql
from reservation.sql import places
from reservation.sql.offers import Asked

SOON: Final = timedelta(minutes=5)
"""What begins within this time is offered only where sensors know of no car in the way: nobody leaves that fast."""
_DEFAULT: Final = Policy()


class Found(Struct, frozen=True):
    """One offer, and where it is: WGS-84, `distance_m` from where it was asked for, `left` of them in the window."""

    offer: Offer
    name_zh: str
    name_en: str
    lat: float
    lon: float
    distance_m: int | None
    left: int
    key: tuple[int, int, str, int]
    """Where it stands in the order: what `Asked.after` takes."""


async def find_offers(tx: Tx, asked: Asked) -> list[Found]:
    """Nearest or cheapest first, at most `asked.limit`. Raises UnknownCarPark."""
    soon = asked.begins <= tx.now + SOON
    box = asked.box if asked.near is None or asked.radius_m is None else around(asked.near, asked.radius_m)
    rows = await sql.search(tx, replace(asked, soon=soon, box=box))
    if not rows and asked.car_park is not None and await places.car_park(tx, CarParkId(asked.car_park)) is None:
        raise UnknownCarPark(car_park=asked.car_park)
    return [_found(tx, asked, row) for row in rows]


def around(near: tuple[float, float], radius_m: float) -> tuple[float, float, float, float]:
    """South, north, west and east of all that is within `radius_m`; every longitude where a pole or the 180th meridian
    is within.
    """
    lat, lon = near
    high = math.degrees(radius_m / EARTH_RADIUS_M) * 1.001  # distances are rounded to metres, and so are floats
    south, north = lat - high - 1e-5, lat + high + 1e-5
    if max(abs(south), abs(north)) >= 89:
        return south, north, -180, 180
    wide = (north - south) / 2 / math.cos(math.radians(max(abs(south), abs(north))))
    west, east = lon - wide, lon + wide
    return (south, north, -180, 180) if west < -180 or east > 180 else (south, north, west, east)


def _found(tx: Tx, asked: Asked, row: Row) -> Found:
    policy = _DEFAULT if row["policy"] is None else policy_of(row)
    terms = Terms.of(policy, price_per_hour=row["lent_per_hour"], owner_share_bp=row["owner_share_bp"])
    offer = Offer(
        row["id"],
        row["label"],
        row["listing"],
        asked.begins,
        asked.until,
        good_until(
            tx.now,
            asked.begins,
            offer=timedelta(seconds=policy.offer_s),
            notice=timedelta(seconds=max(policy.notice_s, row["notice_s"])),
            late=min(LATE_REQUEST, terms.latest(asked.begins, asked.until) - asked.begins),
        ),
        terms.price(asked.begins, asked.until),
        terms,
    )
    return Found(
        offer,
        row["name_zh"],
        row["name_en"],
        row["lat"],
        row["lon"],
        None if asked.near is None else row["distance_m"],
        row["left"],
        (row["rank"], row["distance_m"], row["id"], row["space"]),
    )
