"""The charge that asks for what a stay owes at its exit: one that stands, a price that was asked for, or a new one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from billing.charge_lifecycle import State
from billing.charges import NewCharge, defer_charge, take_up_quote, void_charge
from billing.exit_way import Decision, Way
from billing.fee_lines import lines_of, paid_before
from billing.sql import charges
from billing.standing import AtExit, Standing
from billing.tariffs.fee import Fee
from kernel.db import Row, Tx


async def ask_at_exit(
    tx: Tx,
    session: Row,
    open_ones: Sequence[Row],
    *,
    fee: Fee | None,
    seen: AtExit,
    decision: Decision,
    left_at: datetime,
    actor: str,
) -> str | NewCharge | None:
    """The charge's id, or the charge that is still to be raised; None: nothing is owed.

    `open_ones` are the stay's, locked: of what is owed for another amount than the decision's, the charge is void; of a
    price for the same amount, whoever is just paying it has not to pay again.
    """
    stands = seen.standing
    for row in open_ones:
        if row["state"] == State.QUOTED:
            continue
        if charges.charge_of(row).open == decision.amount or row["state"] not in (State.DUE, State.OVERDUE):
            return await _kept(tx, row, stands, decision)
        await void_charge(tx, row, actor=actor, reason="decided again")
    if decision.amount == 0:
        return None
    if session["reservation"] is not None or fee is None:
        return seen.promise_charge
    for row in reversed(open_ones):
        if row["state"] == State.QUOTED and row["amount"] == decision.amount and row["good_until"] > tx.now:
            return await _kept(tx, await _taken_up(tx, row, stands, actor=actor), stands, decision)
    return _new(tx, session, fee, seen=seen, decision=decision, left_at=left_at)


async def _taken_up(tx: Tx, row: Row, stands: Standing, *, actor: str) -> Row:
    return await take_up_quote(tx, row, actor=actor, remind_at=stands.policy.look_again_at(tx.now, level=0))


async def _kept(tx: Tx, row: Row, stands: Standing, decision: Decision) -> str:
    charge: str = row["id"]
    if row["state"] in (State.DUE, State.OVERDUE) and row["due_at"] <= tx.now and decision.way is Way.PAY_LATER:
        await leave_first(tx, row, stands)
    return charge


async def leave_first(tx: Tx, row: Row, stands: Standing) -> Row:
    """What the charge in `row` asks for is collected after all: it is due when the channel has had its time."""
    due_at = _due_at(tx, stands, Way.PAY_LATER)
    remind_at = stands.policy.look_again_at(due_at, level=row["level"])
    return await defer_charge(tx, row, due_at=due_at, remind_at=remind_at, driver=stands.driver)


def _due_at(tx: Tx, stands: Standing, way: Way) -> datetime:
    return tx.now + timedelta(seconds=stands.policy.collect_s if way is Way.PAY_LATER else 0)


def _new(tx: Tx, session: Row, fee: Fee, *, seen: AtExit, decision: Decision, left_at: datetime) -> NewCharge:
    policy, lines = seen.standing.policy, lines_of(fee)
    if seen.paid and seen.paid_at is not None:
        lines.append(paid_before(seen.paid, seen.paid_at))
    due_at = _due_at(tx, seen.standing, decision.way)
    return NewCharge(
        kind="parking",
        session=session["id"],
        car_park=session["car_park"],
        operator=session["operator"],
        plate=session["plate"],
        color=session["color"] or seen.standing.color,
        ticket=session["ticket"],
        driver=seen.standing.driver or session["driver"],
        amount=decision.amount,
        lines=lines,
        tariff=session["tariff"],
        platform_share_bp=policy.platform_share_bp,
        begins=session["entry_at"],
        ends=left_at,
        due_at=due_at,
        remind_at=policy.look_again_at(due_at, level=0),
    )
