"""Bulk statements: a whole city in by COPY, a whole inventory out by cursor."""

from collections.abc import AsyncIterator, Iterable, Sequence

from kernel.db import Row, Tx
from registry.catalogue import CarParkPlan, Operator
from registry.sql import car_parks

IS_EMPTY = "SELECT NOT EXISTS (SELECT FROM registry.car_park)"

INVENTORY = """
SELECT id, operator, name_zh, name_en, kind, lat, lon, district, time_zone, capacity, reservable, measured_by, closed,
       opening_hours,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('zone', label, 'capacity', capacity, 'level', level)
                                  ORDER BY label), '[]') FROM registry.zone WHERE zone.car_park = car_park.id) AS zones,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('lane', label, 'direction', direction, 'zone', zone)
                                  ORDER BY label), '[]') FROM registry.lane WHERE lane.car_park = car_park.id) AS lanes,
       (SELECT coalesce(jsonb_object_agg(zone, labels), '{}')
        FROM (SELECT coalesce(zone, '') AS zone, jsonb_agg(label ORDER BY label) AS labels
              FROM registry.space WHERE space.car_park = car_park.id AND NOT retired GROUP BY 1) AS by_zone) AS spaces
FROM registry.car_park
WHERE NOT retired AND ($1::text[] IS NULL OR operator = ANY ($1))
ORDER BY id
"""


async def is_empty(tx: Tx) -> bool:
    """Whether no car park was ever registered."""
    empty: bool = await tx.fetchval(IS_EMPTY)
    return empty


async def insert_operators(tx: Tx, operators: Iterable[Operator]) -> None:
    """Operators that are known already keep their names."""
    for operator in operators:
        await car_parks.ensure_operator(tx, operator)


async def copy_plans(tx: Tx, plans: Sequence[CarParkPlan]) -> None:
    """Insert car parks with all their parts; any that exists refuses them all."""
    for plan in plans:
        await car_parks.insert_car_park(tx, plan.car_park)
    await tx.copy_records(
        "zone",
        schema="registry",
        columns=("car_park", "label", "capacity", "level"),
        records=[(plan.car_park.id, zone.label, zone.capacity, zone.level) for plan in plans for zone in plan.zones],
    )
    await tx.copy_records(
        "space",
        schema="registry",
        columns=("car_park", "label", "zone", "features"),
        records=(
            (plan.car_park.id, space.label, space.zone, space.features) for plan in plans for space in plan.spaces
        ),
    )
    await tx.copy_records(
        "lane",
        schema="registry",
        columns=("car_park", "label", "direction", "zone"),
        records=[(plan.car_park.id, lane.label, lane.direction, lane.zone) for plan in plans for lane in plan.lanes],
    )


def inventory(tx: Tx, operators: Sequence[str] | None) -> AsyncIterator[Row]:
    """Every car park with its zones, lanes and space labels by zone ("" = no zone), a row at a time."""
    return tx.rows(INVENTORY, None if operators is None else list(operators), prefetch=20)
