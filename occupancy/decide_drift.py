"""An operator applies, dismisses or undoes a correction: signed, audited, effective at once, and history stays."""

from typing import Final, Literal

from contracts.audit import RecordAudit
from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Row, Tx
from occupancy.errors import UnknownCarPark, UnknownDriftProposal, WrongState
from occupancy.record import Recorder
from occupancy.retell_now import retell_now
from occupancy.sql import drift as sql
from occupancy.sql import standings as standings_sql
from occupancy.sql.operators import operator_of, own_car_park

Decision = Literal["apply", "dismiss", "undo"]

NEEDS: Final = {"apply": "proposed", "dismiss": "proposed", "undo": "applied"}
"""What state a proposal must be in."""


async def decide_drift(
    tx: Tx,
    recorder: Recorder,
    record_audit: RecordAudit,
    caller: Caller,
    *,
    car_park: CarParkId,
    proposal: str,
    decision: Decision,
    reason: str,
) -> Row:
    """The proposal after doing as `decision` says. Raises UnknownCarPark, UnknownDriftProposal, WrongState.

    The car park's row is locked first, as recording does: no word is fused with a correction half applied. What
    changes is published by the gateway's process, which looks for newer versions.
    """
    own = await own_car_park(tx, car_park, caller)
    if own is None:
        raise UnknownCarPark(car_park=car_park)
    await recorder.places.refresh(tx)
    await standings_sql.lock_standings(tx, [own])
    verbs = {"apply": sql.apply, "dismiss": sql.dismiss, "undo": sql.undo}
    row = await verbs[decision](tx, own, proposal, caller.principal, reason)
    if row is None:
        state = await sql.state_of(tx, own, proposal)
        if state is None:
            raise UnknownDriftProposal(proposal=proposal)
        raise WrongState(f"it is {state}; only what is {NEEDS[decision]} can be so decided", state=state)
    if decision != "dismiss":
        await retell_now(tx, recorder, [own])
    await record_audit(
        tx,
        actor=caller.principal,
        operator=await operator_of(tx, own),
        action=f"drift.{decision}",
        subject=f"car-park/{own}",
        detail={"proposal": proposal, "zone": row["zone"], "correction": row["correction"], "reason": reason},
    )
    return row
