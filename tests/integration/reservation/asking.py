"""Asking for offers, and what is offered: a policy, another car park, a space that is lent."""

from datetime import timedelta
from typing import Any

from tests.integration.reservation.conftest import (
    BEN,
    CAR,
    PARK,
    Answer,
    Site,
    park,
)

HERE = "41.7975,123.457"
"""Where `PARK` is."""


async def offers(site: Site, begins: float = 60, until: float = 120, *, who: str | None = None, **asked: Any) -> Answer:
    where = {} if "car_park" in asked or "near" in asked else {"near": HERE}
    params = {"from": site.at(begins), "until": site.at(until), **where, **asked}
    return await site.get("/v1/offers", params=params, who=who)


async def found(site: Site, begins: float = 60, until: float = 120, **asked: Any) -> list[dict[str, Any]]:
    answer = await offers(site, begins, until, **asked)
    assert answer.status == 200, answer.raw
    items: list[dict[str, Any]] = answer.json["items"]
    return items


async def put_policy(site: Site, car_park: str = PARK, **policy: Any) -> None:
    answer = await site.put(f"/v1/operator/car-parks/{car_park}/reservation-policy", policy)
    assert answer.status == 200, answer.raw


async def add_park(site: Site, name: str, **changes: Any) -> None:
    answer = await site.put(f"/v1/operator/car-parks/{name}", park(**changes))
    assert answer.status == 201, answer.raw


async def lend(site: Site, label: str, *, begins: float = 0, until: float = 600, **changes: Any) -> str:
    """An approved listing of a space of `PARK`, lent once."""
    listing = f"lst_{label.lower()}"
    wanted = {"price": 300, "share": 7000, "notice": 0, "state": "approved", **changes}
    async with site.database.transaction() as tx:
        number = await tx.fetchval("SELECT number FROM registry.space WHERE car_park = $1 AND label = $2", PARK, label)
        await tx.execute(
            """INSERT INTO reservation.listing (id, owner, car_park, space, state, windows, price_per_hour,
               owner_share_bp, notice_s, created_at, decided_at, updated_at)
               VALUES ($1, 'owner', $2, $3, $4, '[]', $5, $6, $7, $8, $8, $8)""",
            listing,
            PARK,
            number,
            wanted["state"],
            wanted["price"],
            wanted["share"],
            wanted["notice"],
            tx.now,
        )
        await tx.execute(
            "INSERT INTO reservation.share_slot (listing, space, during) VALUES ($1, $2, tstzrange($3, $4))",
            listing,
            number,
            tx.now + timedelta(minutes=begins),
            tx.now + timedelta(minutes=until),
        )
    return listing


async def take(site: Site, offer: dict[str, Any], *, vehicle: Any = CAR, who: str = BEN, **beside: Any) -> Answer:
    return await site.post("/v1/reservations", {"offer": offer["offer"], "vehicle": vehicle, **beside}, who=who)
