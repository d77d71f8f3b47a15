"""Somebody decides what a difference to a channel's bill is, and the ledger says the same as the bill from then on."""

from collections.abc import Sequence

from billing import ledger
from billing.channels.protocol import LineKind
from billing.charges import owed
from billing.errors import UnknownDifference, WrongState
from billing.matching import Kind, Way, owing, ways
from billing.post import post
from billing.read_bill import ask_for_bill
from billing.sql import bills, charges, payments, refunds
from billing.sql import differences as sql
from billing.start_refund import return_surplus
from kernel.db import Row, Tx
from kernel.money import apportion


async def resolve_difference(
    tx: Tx, difference: str, way: Way, *, reason: str, actor: str, operators: Sequence[str] | None
) -> Row:
    """End it by `way`; the row after it. `operators`: whose differences the caller may decide, None: all.

    `loss` is at the cost of the operators whose charges it is about, and the platform's where there are none. `refund`
    gives what came too much back to whoever paid. Raises UnknownDifference; WrongState for one that is over, or does
    not end that way.
    """
    row = await _open(tx, difference, operators)
    item = LineKind(row["item"])
    allowed = ways(Kind(row["kind"]), item, row["ours"], row["theirs"], is_ours=row["payment"] is not None)
    if way not in allowed:
        said = " or ".join(sorted(allowed)) or "waiting for the next bill"
        raise WrongState(f"this one ends by {said}", kind=row["kind"], ways=sorted(allowed))
    amount = owing(item, row["ours"], row["theirs"])
    match way:
        case Way.SUSPENSE:
            await post(tx, ledger.set_aside(difference, row["channel"], -amount))
        case Way.LOSS:
            await _lose(tx, row, amount)
        case Way.REFUND:
            await _give_back(tx, row, -amount, reason)
    return await sql.resolve(tx, difference, way, reason=reason, actor=actor)


async def ask_about_difference(tx: Tx, difference: str, *, operators: Sequence[str] | None) -> Row:
    """Have the channel asked again, about the payment or refund that is under way and for the bill of that day; what it
    answers may end it. Raises UnknownDifference, WrongState.
    """
    row = await _open(tx, difference, operators)
    if row["refund"] is not None:
        await refunds.ask_now(tx, row["refund"])
    elif row["payment"] is not None:
        await payments.ask_now(tx, row["payment"])
    await ask_for_bill(tx, row["channel"], row["day"])
    return await sql.asked(tx, difference)


async def _open(tx: Tx, difference: str, operators: Sequence[str] | None) -> Row:
    row = await sql.lock(tx, difference, operators)
    if row is None:
        raise UnknownDifference(difference=difference)
    if row["state"] != "open":
        raise WrongState(f"it is resolved: {row['reason']}", way=row["way"])
    return row


async def _lose(tx: Tx, row: Row, amount: int) -> None:
    parts = await bills.parts(tx, [row["refund"] or row["payment"]]) if row["refund"] or row["payment"] else []
    if not parts:
        await post(tx, ledger.lost_by_nobody(row["id"], row["channel"], amount))
        return
    shares = apportion(amount, [part["amount"] for part in parts])
    borne = {part["charge"]: share for part, share in zip(parts, shares, strict=True)}
    for charge in await charges.lock(tx, list(borne)):
        if borne[charge["id"]]:
            await post(tx, ledger.lost(owed(charge), row["id"], row["channel"], borne[charge["id"]]))


async def _give_back(tx: Tx, row: Row, amount: int, reason: str) -> None:
    """It is the payer's until the channel has given it back."""
    payment = await payments.lock(tx, row["payment"])
    parts = await payments.parts(tx, row["payment"])
    if payment is None or not parts:
        raise WrongState("nobody is known to whom it could be given back: set it aside", kind=row["kind"])
    (charge, *_) = await charges.lock(tx, [parts[0]["charge"]])
    payer = owed(charge).payer
    await post(tx, ledger.billed_too_much(row["id"], row["channel"], payer, amount))
    await return_surplus(tx, payment["id"], amount, payer=payer, reason=reason)
