"""Guidance signs: where they stand and which car parks they speak of. What they show is decided by guidance."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from contracts.ids import CarParkId, SignId, Slug
from contracts.positions import PositionIn
from kernel.callers import Caller
from kernel.db import Row, Tx
from kernel.edge_problems import MalformedBody
from registry.access import chosen_operator
from registry.bodies import NameIn, Wanted
from registry.catalogue import Sign, Tier
from registry.errors import REFUSALS, UnknownCarPark, UnknownSign
from registry.sql import audit, car_parks, devices

CAR_PARKS_MAX = 50
"""A sign of the outer ring sums up a district; more than this no driver reads."""


class SignIn(Wanted):
    """A sign as its operator wants it; `heading` is the direction its readers drive, degrees clockwise from north."""

    operator: Slug | None = Field(default=None, description="May be left out by a key of a single operator.")
    tier: Tier
    name: NameIn
    position: PositionIn
    heading: Annotated[int, Field(ge=0, le=359)] | None = None
    car_parks: Annotated[list[Slug], Field(max_length=CAR_PARKS_MAX)] = Field(default_factory=list)
    id: Slug | None = Field(default=None, description="When given, the one in the path.")


async def register_sign(tx: Tx, caller: Caller, sign: SignId, wanted: SignIn) -> bool:
    """Make `sign` what is `wanted`; whether it is new. A sign may speak of any operator's car parks.

    Raises UnknownSign (somebody else's), UnknownOperator, UnknownCarPark, MalformedBody.
    """
    if wanted.id is not None and wanted.id != sign:
        raise MalformedBody.of("id", f"is not the id in the path, {sign}", wanted.id)
    row = await devices.find_sign(tx, sign, caller.covered, lock=True)
    operator = await chosen_operator(tx, caller, wanted.operator or (row["operator"] if row is not None else None))
    shown = [CarParkId(car_park) for car_park in dict.fromkeys(wanted.car_parks)]
    found = await car_parks.find_present(tx, shown)
    missing = [car_park for car_park in shown if car_park not in found]
    if missing:
        raise UnknownCarPark(f"there is no car park {missing[0]}", car_park=missing[0])
    lat, lon = wanted.position.wgs84()
    placed = Sign(sign, operator, wanted.tier, wanted.name.value(), lat, lon, wanted.heading, tuple(shown))
    with tx.guard(REFUSALS, sign=sign):
        is_new = await devices.upsert_sign(tx, placed, caller.covered)
    if is_new is None:
        raise UnknownSign(sign=sign)
    action = "sign.create" if is_new else "sign.change"
    await _audited(tx, caller, operator, action, sign=sign, detail=wanted.model_dump(mode="json", exclude_unset=True))
    return is_new


async def own_sign(tx: Tx, caller: Caller, sign: SignId) -> Row:
    """The row of a sign that `caller` covers. Raises UnknownSign."""
    row = await devices.find_sign(tx, sign, caller.covered)
    if row is None:
        raise UnknownSign(sign=sign)
    return row


async def remove_sign(tx: Tx, caller: Caller, sign: SignId) -> None:
    """Forget a sign. Raises UnknownSign."""
    operator = await devices.delete_sign(tx, sign, caller.covered)
    if operator is None:
        raise UnknownSign(sign=sign)
    await _audited(tx, caller, operator, "sign.remove", sign=sign, detail={})


async def _audited(
    tx: Tx, caller: Caller, operator: str, action: str, *, sign: SignId, detail: Mapping[str, Any]
) -> None:
    await audit.record(
        tx, actor=caller.principal, operator=operator, action=action, subject=f"sign/{sign}", detail=detail
    )
    await audit.bump_revision(tx)
