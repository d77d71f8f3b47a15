"""Change one zone, space or lane of a car park, leaving the rest alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Tx
from registry.access import own_car_park
from registry.errors import PART_REFUSALS
from registry.register import existing_parts, replace_parts
from registry.sql import audit
from registry.wanted import Parts, check_capacity, check_zones_declared, overlay


@dataclass(frozen=True, slots=True)
class PartChange:
    """What happens to which part: `zone.change` of `B1`; `apply` gives the parts that differ from those there are."""

    action: str
    label: str
    detail: Mapping[str, Any]
    apply: Callable[[Parts], Parts]


async def change_parts(tx: Tx, caller: Caller, car_park: CarParkId, change: PartChange) -> tuple[Parts, Parts]:
    """Apply `change`; the parts as they were before, and those that differ now.

    Raises UnknownCarPark, UndeclaredZone, CapacityExceeded, ZoneInUse, and whatever `change.apply` raises.
    """
    row = await own_car_park(tx, caller, car_park, lock=True)
    has = await existing_parts(tx, car_park)
    named = change.apply(has)
    whole = overlay(has, named)
    if named.zones is None or len(named.zones) >= len(has.zones or ()):
        check_zones_declared(whole)  # a zone that goes while in use is refused by name below
    check_capacity(row["capacity"], row["reservable"], whole)
    with tx.guard(PART_REFUSALS, car_park=car_park, label=change.label):
        await replace_parts(tx, car_park, has, named)
    await audit.record(
        tx,
        actor=caller.principal,
        operator=row["operator"],
        action=change.action,
        subject=f"car-park/{car_park}",
        detail={"label": change.label, **change.detail},
    )
    await audit.bump_revision(tx)
    return has, named
