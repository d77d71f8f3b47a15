"""A car park in the registry's tables, and facts about it, valid by default with what matters overridden."""

from datetime import UTC, datetime, timedelta

from contracts.facts import CountSeen, PassageSeen, SpaceSeen, StatusSeen
from contracts.ids import CarParkId, SpaceNumber, ZoneLabel
from contracts.wire import SpaceStateWord
from kernel.db import Database

EIGHT = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
"""Eight in the morning in Shenyang: where the tests' clock starts."""

HERE = CarParkId("sy-heping-001")


def at(seconds: float) -> datetime:
    """`seconds` after eight."""
    return EIGHT + timedelta(seconds=seconds)


async def add_car_park(
    database: Database,
    car_park: CarParkId = HERE,
    *,
    capacity: int = 4,
    spaces: int = 0,
    zones: dict[str, int] | None = None,
    measured_by: str = "auto",
    opening_hours: str | None = None,
    district: str = "heping",
    position: tuple[float, float] = (41.79, 123.43),
    name: tuple[str, str] = ("和平一号", "Heping One"),
    kind: str = "mall",
) -> list[SpaceNumber]:
    """Put a car park with `spaces` numbered spaces, dealt out to its `zones` in turn; the spaces' numbers."""
    labels = list(zones or {})
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO registry.operator (id, name_zh, name_en, created_at) VALUES ('op', '运营', 'Op', $1)"
            " ON CONFLICT DO NOTHING",
            tx.now,
        )
        await tx.execute(
            "INSERT INTO registry.car_park (id, operator, name_zh, name_en, kind, lat, lon, district, opening_hours,"
            " time_zone, capacity, measured_by, created_at, updated_at)"
            " VALUES ($1, 'op', $2, $3, $4, $5, $6, $7, $8, 'Asia/Shanghai', $9, $10, $11, $11)",
            car_park,
            *name,
            kind,
            *position,
            district,
            opening_hours,
            capacity,
            measured_by,
            tx.now,
        )
        for label, zone_capacity in (zones or {}).items():
            await tx.execute("INSERT INTO registry.zone VALUES ($1, $2, $3)", car_park, label, zone_capacity)
        numbers = [
            await tx.fetchval(
                "INSERT INTO registry.space (car_park, label, zone) VALUES ($1, $2, $3) RETURNING number",
                car_park,
                f"A-{place:03}",
                labels[place % len(labels)] if labels else None,
            )
            for place in range(spaces)
        ]
        await tx.execute("UPDATE registry.revision SET value = value + 1")
    return numbers


async def retire(database: Database, car_park: CarParkId = HERE, *, retired: bool = True) -> None:
    """Take a car park out of the city, or put it back."""
    async with database.transaction() as tx:
        await tx.execute("UPDATE registry.car_park SET retired = $2 WHERE id = $1", car_park, retired)
        await tx.execute("UPDATE registry.revision SET value = value + 1")


def space_seen(
    space: SpaceNumber,
    state: SpaceStateWord = "occupied",
    seconds: float = 0,
    *,
    seq: int = -1,
    epoch: str = "",
    car_park: CarParkId = HERE,
    received: float | None = None,
) -> SpaceSeen:
    heard = at(seconds if received is None else received)
    return SpaceSeen(car_park, space, state, at(seconds), epoch, seq, None, heard)


def count_seen(
    occupied: int,
    seconds: float = 0,
    *,
    capacity: int = 100,
    zone: str = "",
    seq: int = -1,
    car_park: CarParkId = HERE,
    out: int = 0,
) -> CountSeen:
    counted = (ZoneLabel(zone), capacity, occupied, None, None)
    return CountSeen(car_park, *counted, at(seconds), "", seq, at(seconds), None, out)


def passage_seen(id: str, direction: str = "entry", seconds: float = 0, *, car_park: CarParkId = HERE) -> PassageSeen:  # noqa: A002
    return PassageSeen(
        car_park, id, "E1", direction, "辽A12345", "blue", "small", 0.98, None, None, at(seconds), at(seconds)
    )


def status_seen(online: bool, seconds: float = 0, *, car_park: CarParkId = HERE) -> StatusSeen:
    return StatusSeen(car_park, online, None, at(seconds), at(seconds))
