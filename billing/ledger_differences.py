"""Whether everything that is kept beside the ledger's entries says what they say. There must be no difference.

A difference is a defect of ours: it is logged, counted, and shown by `berth doctor`; nobody mends it unseen.
"""

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from billing.charge_lifecycle import OWED, Charge, State
from billing.sql import balances as sql
from kernel.db import Row, Tx

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
PORTION: Final = 2_000
TOLD_MAX: Final = 100


class LedgerDiffers(Struct, frozen=True):
    """`subject` is a charge, a journal's key, or an account (`kind:holder`); fen, or a state."""

    subject: str
    what: str
    kept: str
    by_entries: str


async def ledger_differences(tx: Tx, *, charges_since: datetime = EVER) -> list[LedgerDiffers]:
    """Of journals and accounts all, of charges those that moved since; at most some hundred."""
    found = [
        LedgerDiffers(row["subject"], row["what"], str(row["is"]), str(row["should"]))
        for row in [*await sql.unbalanced(tx), *await sql.miskept(tx), *await sql.unsettled(tx)]
    ]
    after = ""
    while True:
        rows = await sql.charges(tx, since=charges_since, after=after, limit=PORTION)
        for row in rows:
            found += charge_differs(row)
        if len(rows) < PORTION or len(found) >= TOLD_MAX:
            return found
        after = rows[-1]["id"]


def charge_differs(row: Row) -> list[LedgerDiffers]:
    """`row` is a charge, with what its journals come to."""
    state, found = State(row["state"]), []
    amount = 0 if state is State.VOID else row["amount"]
    pairs = [("paid", row["paid"], row["pay"]), ("refunded", row["refunded"], row["refund"])]
    if state is not State.QUOTED or row["rated"]:
        pairs.append(("amount", amount, row["rated"]))
    found += [LedgerDiffers(row["id"], what, str(kept), str(told)) for what, kept, told in pairs if kept != told]
    possible = states_of(
        Charge(state=state, amount=row["rated"], paid=row["pay"], refunded=row["refund"]),
        is_rated=row["rates"] > 0 and (row["rated"] > 0 or row["amount"] == 0),
        is_written_off=row["written_off"] > 0,
    )
    if row["amount"] and state not in possible:
        found.append(LedgerDiffers(row["id"], "state", state, " or ".join(sorted(possible))))
    return found


def states_of(by_entries: Charge, *, is_rated: bool, is_written_off: bool) -> frozenset[State]:
    """In which states a charge may be whose journals come to this. Among what is owed they do not tell apart."""
    if by_entries.refunded:
        return frozenset({State.REFUNDED if by_entries.refunded == by_entries.paid else State.PART_REFUNDED})
    if by_entries.paid:
        return frozenset({State.PAID})
    if is_written_off:
        return frozenset({State.WRITTEN_OFF})
    return OWED if is_rated else frozenset({State.QUOTED, State.VOID})
