"""What a stay that is over costs: by the version that was in force when it began, and that stays with it.

What cannot be priced is never free and never lost: the session stays `exited` with a reason, for an operator to see.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from billing.fee_lines import lines_of
from billing.held import held_by, mark_used
from billing.new_energy import is_new_energy
from billing.sql import sessions as sql
from billing.tariff_shelf import TariffShelf
from billing.tariffs.concession import Held
from billing.tariffs.fee import Fee, NoPlanFits, StayImpossible, Vehicle, Visit
from billing.tariffs.rate import rate
from billing.tariffs.tariff import TariffVersion
from kernel.db import Row, Tx
from kernel.moments import wire_time

LOOKED_BACK: Final = timedelta(days=7)
"""No rule but a cap of more hours counts over more than a week of visits."""


class Unrated(StrEnum):
    """Why nobody knows what a stay costs. The strings are promises: `reason` of a session that is `exited`."""

    NO_TARIFF = "no_tariff"
    NO_PLAN_FITS = "no_plan_fits"
    STAY_IMPOSSIBLE = "stay_impossible"
    DEARER = "dearer"
    """Passages that came later make it cost more than was asked: a person decides."""


class Rated(Struct, frozen=True, kw_only=True):
    """`fee` None: it is not billed by itself (`document` says why), or it is `unrated`."""

    fee: Fee | None = None
    document: dict[str, Any] | None = None
    unrated: Unrated | None = None
    looks_back: bool = False
    """It depends on the visits before it, as the next one may depend on it."""

    @property
    def total(self) -> int:
        """Fen; 0 where it is not billed by itself."""
        return 0 if self.fee is None else self.fee.total


async def rate_session(
    tx: Tx, shelf: TariffShelf, row: Row, *, apart: timedelta = timedelta(0), ticket_lost: bool = False
) -> Rated:
    """Of the locked session in `row`, whose exit is known. `apart`: time of it that is billed by something else."""
    if row["tariff"] is None:
        return billed_by("parent") if row["zone"] else Rated(unrated=Unrated.NO_TARIFF)
    version = await shelf.version(tx, row["tariff"])
    earlier = await _earlier(tx, version, row)
    held = await held_by(tx, row) if _has_presented(version) or row["supersedes"] is not None else []
    until: datetime = row["exit_at"] - apart

    def priced(some: Sequence[Held]) -> Fee:
        return _rate(version, row, until, earlier=earlier, held=some, ticket_lost=ticket_lost)

    try:
        fee = priced(held)
    except NoPlanFits:
        return Rated(unrated=Unrated.NO_PLAN_FITS)
    except StayImpossible:
        return Rated(unrated=Unrated.STAY_IMPOSSIBLE)
    await mark_used(tx, row, held, lambda some: priced(some).total)
    document = fee_document(fee, apart=apart, ticket_lost=ticket_lost)
    return Rated(fee=fee, document=document, looks_back=looks_back(version) is not None)


async def fee_so_far(tx: Tx, shelf: TariffShelf, row: Row, at: datetime, *, apart: timedelta) -> Fee | None:
    """What leaving at `at` would cost; None where nobody can say."""
    if row["tariff"] is None or row["reservation"] is not None:
        return None
    version = await shelf.version(tx, row["tariff"])
    held = await held_by(tx, row, locked=False) if _has_presented(version) else []
    earlier = await _earlier(tx, version, row)
    try:
        return _rate(version, row, at - apart, earlier=earlier, held=held, ticket_lost=False)
    except (NoPlanFits, StayImpossible):
        return None


def fee_document(fee: Fee, *, apart: timedelta, ticket_lost: bool) -> dict[str, Any]:
    """As it is kept with the session: the lines in words, so that they read the same when words change."""
    return {
        "total": fee.total,
        "currency": fee.currency,
        "minor_digits": fee.minor_digits,
        "plan": fee.plan,
        "rises_at": None if fee.rises_at is None else wire_time(fee.rises_at),
        "apart_s": apart // timedelta(seconds=1),
        "ticket_lost": ticket_lost,
        "lines": lines_of(fee),
    }


def looks_back(version: TariffVersion) -> timedelta | None:
    """How far back earlier visits count for this version; None: they do not."""
    needs = False
    hours = 0
    for plan in version.plans:
        free = plan.free
        needs = needs or (free is not None and (free.repeat != "entry" or free.not_again_within_min is not None))
        for cap in plan.caps:
            needs = needs or cap.across_visits
            hours = max(hours, cap.hours or 0) if cap.across_visits else hours
    return max(LOOKED_BACK, 2 * timedelta(hours=hours)) if needs else None


def billed_by(instead: str) -> Rated:
    """Not by itself: what it lies in is billed (`parent`), or what was promised for it (`reservation`)."""
    return Rated(document={"total": 0, "billed_by": instead, "lines": []})


def _has_presented(version: TariffVersion) -> bool:
    return any(one.kind != "discount" for one in version.concessions)


async def _earlier(tx: Tx, version: TariffVersion, row: Row) -> list[Visit]:
    back = looks_back(version)
    if back is None or row["plate"] is None:
        return []
    return [
        Visit(visit["entry_at"], visit["exit_at"], visit["amount"])
        for visit in await sql.earlier_visits(tx, row, row["entry_at"] - back)
    ]


def _rate(
    version: TariffVersion,
    row: Row,
    until: datetime,
    *,
    earlier: Sequence[Visit],
    held: Sequence[Held],
    ticket_lost: bool,
) -> Fee:
    vehicle = Vehicle(class_=row["class"], new_energy=is_new_energy(row["color"]))
    return rate(version, row["entry_at"], until, vehicle=vehicle, earlier=earlier, held=held, ticket_lost=ticket_lost)
