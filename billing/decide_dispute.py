"""An operator answers an objection: it is owed as it was, less of it, or nothing. What was paid goes back."""

from datetime import timedelta
from enum import StrEnum

from billing.charge_lifecycle import HAS_MONEY, State
from billing.charges import adjust_charge, uphold_charge, void_charge
from billing.errors import UnknownDispute, WrongState
from billing.sql import charge_lists, charges
from billing.sql import disputes as sql
from billing.sql.policies import policy_of
from billing.start_refund import start_refund
from kernel.callers import Caller
from kernel.db import Row, Tx


class Decision(StrEnum):
    """What can be answered."""

    UPHOLD = "uphold"
    ADJUST = "adjust"
    VOID = "void"


async def decide_dispute(
    tx: Tx, caller: Caller, dispute: str, decision: Decision, *, amount: int | None, reason: str
) -> Row:
    """The objection afterwards; `amount` (fen) is what an adjusted charge costs. Raises UnknownDispute, WrongState,
    NothingToRefund.
    """
    row = await sql.read_own(tx, dispute, caller)
    if row is None:
        raise UnknownDispute(dispute=dispute)
    costs = {Decision.ADJUST: amount, Decision.VOID: 0}.get(decision)
    charge = await charge_lists.read(tx, row["charge"], driver=None)
    assert charge is not None, "an objection is to a charge"  # noqa: S101
    if State(charge["state"]) in HAS_MONEY:
        state = await _of_paid(tx, charge, costs, reason=reason, actor=caller.principal)
    else:
        (charge,) = await charges.lock(tx, [row["charge"]])
        await _of_owed(tx, charge, costs, reason=reason, actor=caller.principal)
        state = {Decision.UPHOLD: "upheld", Decision.ADJUST: "adjusted", Decision.VOID: "void"}[decision]
    decided = await sql.decide(tx, row, state, answer=reason, amount=costs, actor=caller.principal)
    if decided is None:
        raise WrongState(f"{dispute} was decided already", dispute=dispute, state=row["state"])
    return decided


async def _of_paid(tx: Tx, charge: Row, costs: int | None, *, reason: str, actor: str) -> str:
    """The refund goes its own way; the charge moves when the channel has done it."""
    if costs is None:
        return "upheld"
    excess = charge["paid"] - charge["refunded"] - costs
    if excess <= 0:
        raise WrongState(
            f"{charge['paid'] - charge['refunded']} fen were paid for {charge['id']}: uphold it, or name less",
            charge=charge["id"],
            state=charge["state"],
        )
    await start_refund(tx, charge["id"], excess, reason=reason, actor=actor)
    return "refunded"


async def _of_owed(tx: Tx, charge: Row, costs: int | None, *, reason: str, actor: str) -> None:
    state = State(charge["state"])
    if state is State.ACCEPTED:
        raise WrongState(
            f"{charge['channel']} is collecting {charge['id']}: decide when it is paid, or due again",
            charge=charge["id"],
            state=state,
        )
    policy = await policy_of(tx, charge["car_park"])
    first = policy.look_again_at(tx.now, level=0) if policy.remind_after_d else tx.now + timedelta(days=1)
    if costs is None:
        if state is State.DISPUTED:
            await uphold_charge(tx, charge, actor=actor, reason=reason, remind_at=first)
    elif costs == 0:
        await void_charge(tx, charge, actor=actor, reason=reason)
    elif costs >= charge["amount"]:
        raise WrongState(
            f"{charge['id']} is {charge['amount']} fen: uphold it, or name less", charge=charge["id"], state=state
        )
    else:
        await adjust_charge(tx, charge, costs, actor=actor, reason=reason, remind_at=first)
