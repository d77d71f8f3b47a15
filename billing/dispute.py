"""A driver objects to a charge.

What is owed is not asked for meanwhile; what is paid, or being collected, stays so, and goes back if the operator finds
that he is right.
"""

from typing import Final

from billing.charge_lifecycle import HAS_MONEY, State
from billing.charges import dispute_charge
from billing.errors import AlreadyDisputed, UnknownCharge, WrongState
from billing.sql import charges
from billing.sql import disputes as sql
from billing.whose_vehicle import Proof, concerns
from kernel.db import Row, Tx
from kernel.ids import new_id

_ASKED: Final = frozenset({State.DUE, State.OVERDUE})
_STAYS: Final = HAS_MONEY - {State.REFUNDED} | {State.ACCEPTED}
TIMES_MAX: Final = 3
"""Objections to one charge: what was looked at so often is answered."""


async def dispute_charge_of(
    tx: Tx, charge: str, *, driver: str, kind: str, reason: str, proof: Proof | None = None
) -> Row:
    """The objection's row. `proof`: of a vehicle that is not the driver's by an agreement. Raises UnknownCharge (also
    somebody else's), ProofRefused, WrongState, AlreadyDisputed.
    """
    rows = await charges.lock(tx, [charge])
    if not rows or not await concerns(tx, rows[0], driver, proof):
        raise UnknownCharge(charge=charge)
    (row,) = rows
    state = State(row["state"])
    if state is State.DISPUTED:
        raise AlreadyDisputed(charge=charge)
    if state is State.ADJUSTED or len(await sql.of_charge(tx, charge)) >= TIMES_MAX:
        raise WrongState(f"the objection to {charge} was answered: {state}", charge=charge, state=state)
    if state not in _ASKED | _STAYS:
        raise WrongState(f"{charge} is {state}: nothing of it is asked for, or paid", charge=charge, state=state)
    with tx.guard({"dispute_open_once": AlreadyDisputed}, charge=charge):
        made = await sql.insert(tx, new_id("dsp", tx.now), row, driver=driver, kind=kind, reason=reason)
    if state in _ASKED:
        await dispute_charge(tx, row, actor=f"driver:{driver}", reason=reason)
    return made
