"""An operator applies, dismisses or undoes a correction: signed, audited, effective at once, and history stays."""

from typing import Any, Final, Literal, Protocol

from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Tx
from occupancy.errors import UnknownCarPark, UnknownDriftProposal, WrongState
from occupancy.record import Recorder
from occupancy.retell_now import retell_now
from occupancy.sql import drift as sql
from occupancy.sql import standings as standings_sql
from occupancy.sql.operators import operator_of, own_car_park

Decision = Literal["apply", "dismiss", "undo"]

NEEDS: Final = {"apply": "proposed", "dismiss": "proposed", "undo": "applied"}
"""What state a proposal must be in."""


class RecordAudit(Protocol):
    """Who did what to what, kept with the effect; the registry's, handed in by `app`."""

    async def __call__(
        self, tx: Tx, *, actor: str, operator: str | None, action: str, subject: str, detail: dict[str, Any]
    ) -> None: ...


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
) -> None:
    """Do as `decision` says. Raises UnknownCarPark, UnknownDriftProposal, WrongState.

    The car park's row is locked first, as recording does: no word is fused with a correction half applied. What
    changes is published by the gateway's process, which looks for newer versions.
    """
    own = await own_car_park(tx, car_park, caller)
    if own is None:
        raise UnknownCarPark(car_park=car_park)
    await recorder.places.refresh(tx)
    await standings_sql.lock_standings(tx, [own])
    row = await sql.lock_proposal(tx, own, proposal)
    if row is None:
        raise UnknownDriftProposal(proposal=proposal)
    if row["state"] != NEEDS[decision]:
        raise WrongState(f"it is {row['state']}; only what is {NEEDS[decision]} can be so decided", state=row["state"])
    verbs = {"apply": sql.apply, "dismiss": sql.dismiss, "undo": sql.undo}
    await verbs[decision](tx, proposal, caller.principal, reason)
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
