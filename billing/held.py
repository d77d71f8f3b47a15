"""What a stay shows to its tariff: permits and passes of the vehicle, coupons, and which of them it used.

Whoever rates a session does it in one transaction:

    held = await held_by(tx, session)
    fee = rate(version, entry, exit, held=held, ...)
    await mark_used(tx, session, held, lambda some: rate(version, entry, exit, held=some, ...).total)

Rated again, the same stay shows and marks the same; a session that supersedes another takes over what that one showed.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from billing.sql import held as sql
from billing.tariffs.concession import Held
from billing.tariffs.fee import NoPlanFits
from kernel.db import Row, Tx

_PERMIT: Final = "per_"


class HeldFrom(Held, frozen=True, kw_only=True):
    """With the id of the permit or coupon it comes from."""

    source: str


async def held_by(tx: Tx, session: Row, *, locked: bool = True) -> list[HeldFrom]:
    """Everything that the tariff of `session` knows and that may be used for it. Permits and coupons that are not for
    any number of stays are `locked` until the transaction ends: whoever only looks at a price needs no lock.
    """
    if session["tariff"] is None or session["entry_at"] is None:
        return []
    until: datetime = session["exit_at"] or tx.now
    stays = [one for one in (session["id"], session["supersedes"]) if one is not None]
    permits = [] if session["plate"] is None else await sql.permits(tx, session, until)
    coupons = await sql.coupons(tx, session, until)
    limited = [row["id"] for row in permits if row["uses_max"] is not None]
    if locked and limited:
        await sql.lock_permits(tx, limited)
    if locked and coupons:
        await sql.lock_coupons(tx, [row["id"] for row in coupons])
    return [*await _permits(tx, session, permits, but=stays), *await _coupons(tx, coupons, but=stays)]


async def _permits(tx: Tx, session: Row, rows: Sequence[Row], *, but: Sequence[str]) -> list[HeldFrom]:
    limited = {row["id"]: row["uses_max"] for row in rows if row["uses_max"] is not None}
    uses = await sql.uses_of_permits(tx, limited, but=but) if limited else {}
    held = []
    for row in rows:
        if row["id"] in limited and uses.get(row["id"], 0) >= limited[row["id"]]:
            continue
        if row["spaces"] is not None and not await _has_space(tx, row, session):
            continue
        held.append(
            HeldFrom(
                concession=row["concession"],
                valid_from=row["valid_from"],
                valid_until=row["valid_until"],
                source=row["id"],
            )
        )
    return held


async def _has_space(tx: Tx, permit: Row, session: Row) -> bool:
    others = [
        (f"{row['plate']}|{row['color']}", row["entry_at"], row["exit_at"])
        for row in await sql.others_inside(tx, permit, session)
    ]
    return has_space(permit["spaces"], others, f"{session['plate']}|{session['color']}", session["entry_at"])


def has_space(
    spaces: int, others: Sequence[tuple[str, datetime, datetime | None]], vehicle: str, entry: datetime
) -> bool:
    """Whether one of the permit's `spaces` is left for `vehicle` at `entry`. `others` are (vehicle, entry, exit) in the
    order of their coming: who finds a space has it until he leaves, who finds none pays for his whole stay. Pure.
    """
    covered: dict[str, datetime | None] = {}
    for other, came, left in [*others, (vehicle, entry, None)]:
        covered = {one: until for one, until in covered.items() if one != other and (until is None or until > came)}
        if len(covered) < spaces:
            covered[other] = left
    return vehicle in covered


async def _coupons(tx: Tx, rows: Sequence[Row], *, but: Sequence[str]) -> list[HeldFrom]:
    uses = await sql.uses_of_coupons(tx, [row["id"] for row in rows], but=but) if rows else {}
    return [
        HeldFrom(concession=row["concession"], minutes=row["minutes"], amount=row["amount"], source=row["id"])
        for row in rows
        if uses.get(row["id"], 0) < row["uses_max"]
    ]


async def mark_used(
    tx: Tx, session: Row, held: Sequence[HeldFrom], priced: Callable[[Sequence[Held]], int]
) -> list[HeldFrom]:
    """Keep which of `held` the stay used; `priced` is what it costs with some of them."""
    used = needed(held, priced)
    if held or session["supersedes"] is not None:
        sources = [one.source for one in used]
        await sql.mark_permits(tx, session["id"], [one for one in sources if one.startswith(_PERMIT)])
        await sql.mark_coupons(tx, session["id"], [one for one in sources if not one.startswith(_PERMIT)])
    return used


def needed(held: Sequence[HeldFrom], priced: Callable[[Sequence[Held]], int]) -> list[HeldFrom]:
    """The fewest of `held`, the first ones, that cost no more than all of them: nobody spends a coupon on a stay that
    is free without it. Pure.
    """
    kept = list(held)
    if not kept:
        return kept
    least = priced(kept)
    for one in reversed(held):
        fewer = [other for other in kept if other is not one]
        try:
            is_needed = priced(fewer) > least
        except NoPlanFits:
            is_needed = True
        kept = kept if is_needed else fewer
    return kept
