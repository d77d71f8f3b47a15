"""A stay that was billed is priced again, because something that its price depends on has become known: a nested zone,
an earlier visit, a first reading. Where it costs less, or an operator said so, another session supersedes it.
"""

from collections.abc import Sequence
from typing import cast

from billing.bill_session import BY_ITSELF, Till, bill_sessions, price
from billing.new_session import NewSession, ends_of
from billing.pairing import Visit
from billing.rate_session import looks_back
from billing.session_lifecycle import PRICED, State
from billing.sql import sessions as sql
from billing.take_back import take_back
from kernel.db import Row, Tx
from kernel.ids import new_id


async def bill_anew(tx: Tx, till: Till, row: Row, visit: Visit) -> list[Row]:
    """The sessions that changed: the locked one in `row`, which is `visit`, and the one that supersedes it; or none."""
    if visit.exit is None or row["amount"] is None:
        return []
    around = (await sql.around(tx, [row["id"]]))[row["id"]]
    as_it_is = cast(Row, {**row, **ends_of(visit)})  # a row in everything that is asked of it
    found = (await price(tx, till, as_it_is, around)).rated
    if found.unrated is not None or found.total == row["amount"]:
        return []
    if found.total > row["amount"] and till.actor == BY_ITSELF:
        return []
    (ended,) = await sql.move(tx, [(row, {"state": State.CORRECTED, "reason": "billed_anew"})])
    await take_back(tx, ended, actor=till.actor)
    new = NewSession.of(new_id("ses", tx.now), row["car_park"], visit, supersedes=row["id"])
    (begun,) = await sql.insert(tx, [new])
    await sql.adopt(tx, row["id"], begun["id"])
    return [ended, *await bill_sessions(tx, till, [(begun, visit.exit)])]


async def later_visits(tx: Tx, till: Till, billed: Sequence[Row], known: Sequence[Row]) -> list[Row]:
    """Those of `known` whose price looks back at one of `billed`, the first first."""
    later: dict[str, Row] = {}
    for first in billed:
        if first["state"] not in PRICED:
            continue
        for row in known:
            if not _comes_after(first, row):
                continue
            back = looks_back(await till.shelf.version(tx, row["tariff"]))
            if back is not None and row["entry_at"] - first["entry_at"] <= back:
                later[row["id"]] = row
    return sorted(later.values(), key=lambda row: (row["entry_at"], row["id"]))


def _comes_after(first: Row, row: Row) -> bool:
    """Of the same vehicle in the same place, and priced."""
    same = all(row[name] == first[name] for name in ("car_park", "zone", "plate", "color"))
    priced = row["state"] in PRICED and row["tariff"] is not None and row["plate"] is not None
    return same and priced and bool(row["entry_at"] > first["entry_at"])
