"""Set up or change a car park with its zones, spaces and lanes: `PUT /v1/operator/car-parks/{id}` and every import."""

from dataclasses import dataclass

from contracts.ids import CarParkId, OperatorId
from kernel.callers import Caller
from kernel.db import Tx
from kernel.edge_problems import MalformedBody
from registry.access import chosen_operator
from registry.catalogue import CarPark
from registry.districts import Districts
from registry.errors import PART_REFUSALS, UnknownCarPark
from registry.sql import audit, car_parks, devices, parts
from registry.wanted import (
    CarParkIn,
    Parts,
    check_capacity,
    default_capacity,
    overlay,
    wanted_car_park,
    wanted_parts,
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the city says about every car park: the districts, and the time zone of those that name none."""

    districts: Districts
    time_zone: str


async def register_car_park(tx: Tx, city: Surroundings, caller: Caller, car_park: CarParkId, wanted: CarParkIn) -> bool:
    """Make `car_park` what is `wanted`; whether it is new (or back after it was retired).

    Raises UnknownCarPark (somebody else's), UnknownOperator, MalformedBody, UndeclaredZone, CapacityExceeded,
    ZoneInUse.
    """
    if wanted.id is not None and wanted.id != car_park:
        raise MalformedBody.of("id", f"is not the id in the path, {car_park}", wanted.id)
    row = await car_parks.lock_car_park(tx, car_park, caller.covered)
    if row is None and await car_parks.is_car_park(tx, car_park):
        raise UnknownCarPark(car_park=car_park)
    in_use = row is not None and not row["retired"]
    operator = OperatorId(row["operator"]) if row is not None and wanted.operator is None else None
    operator = operator or await chosen_operator(tx, caller, wanted.operator)
    before = car_parks.read_car_park(row) if row is not None and in_use else None
    has = await existing_parts(tx, car_park) if in_use else Parts()
    named = wanted_parts(wanted, has)
    whole = overlay(has, named)
    after = wanted_car_park(
        wanted,
        car_park,
        operator,
        existing=before,
        capacity=default_capacity(wanted, whole, before),
        districts=city.districts,
        time_zone=city.time_zone,
    )
    check_capacity(after.capacity, after.reservable, whole)
    with tx.guard(PART_REFUSALS, car_park=car_park):
        await _store(tx, after, is_known=row is not None)
        await replace_parts(tx, car_park, has, named)
        if wanted.closed is not None:
            reason = wanted.closed_reason if wanted.closed else None
            await car_parks.close_car_park(tx, car_park, closed=wanted.closed, reason=reason)
    await audit.record(
        tx,
        actor=caller.principal,
        operator=operator,
        action="car_park.change" if in_use else "car_park.create",
        subject=f"car-park/{car_park}",
        detail=wanted.model_dump(mode="json", exclude_unset=True, exclude={"spaces"})
        | ({} if wanted.spaces is None else {"spaces": len(wanted.spaces)}),
    )
    await audit.bump_revision(tx)
    return not in_use


async def existing_parts(tx: Tx, car_park: CarParkId) -> Parts:
    """Everything that `car_park` has in use."""
    return Parts(
        await parts.find_zones(tx, car_park),
        await parts.find_spaces(tx, car_park),
        await parts.find_lanes(tx, car_park),
    )


async def _store(tx: Tx, car_park: CarPark, *, is_known: bool) -> None:
    if is_known:
        await car_parks.update_car_park(tx, car_park)
        await devices.move_devices(tx, car_park.id, car_park.operator)
    else:
        await car_parks.insert_car_park(tx, car_park)


async def replace_parts(tx: Tx, car_park: CarParkId, has: Parts, named: Parts) -> None:
    """Write what differs between `has` and `named`: new zones first, then spaces and lanes, then zones that went."""
    if named.zones is not None:
        await parts.upsert_zones(tx, car_park, named.zones)
    if named.spaces is not None:
        known = {space.label: space for space in has.spaces or ()}
        await parts.insert_spaces(tx, car_park, [space for space in named.spaces if space.label not in known])
        await parts.update_spaces(
            tx,
            car_park,
            [space for space in named.spaces if space.label in known and space != known[space.label]],
        )
        await parts.retire_spaces(tx, car_park, known.keys() - {space.label for space in named.spaces})
    if named.lanes is not None:
        await parts.upsert_lanes(tx, car_park, named.lanes)
        gone_lanes = {lane.label for lane in has.lanes or ()} - {lane.label for lane in named.lanes}
        await parts.delete_lanes(tx, car_park, gone_lanes)
    if named.zones is not None:
        gone_zones = {zone.label for zone in has.zones or ()} - {zone.label for zone in named.zones}
        await parts.delete_zones(tx, car_park, gone_zones)
