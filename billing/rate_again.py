"""An operator has put a tariff in force, or looked at a stay that nobody would believe: it is rated after all."""

from billing.bill_session import Till, bill_sessions
from billing.errors import NotAStay, WrongState
from billing.session_lifecycle import State
from billing.sql import passages, tariffs
from billing.sql import sessions as sql
from kernel.db import Row, Tx


async def rate_again(tx: Tx, till: Till, row: Row) -> Row:
    """The locked session as it is afterwards; with the version that is in force for its entry, if it had none that
    fits. Raises WrongState, NotAStay.
    """
    state = State(row["state"])
    if state not in (State.EXITED, State.SUSPECT):
        raise WrongState(f"{row['id']} is {state}: only what nobody could price is", session=row["id"], state=state)
    if row["exit_passage"] is None or row["entry_passage"] is None:
        raise NotAStay("nobody saw it leave: add the exit first", session=row["id"])
    version = await tariffs.version_at(tx, row["car_park"], row["zone"], row["entry_at"])
    pinned = row["tariff"] if version is None else version["id"]
    (row,) = await sql.move(tx, [(row, {"state": State.EXITED, "reason": None, "tariff": pinned})])
    left = passages.passage_of(await passages.read(tx, row["car_park"], row["exit_passage"]))
    (billed,) = await bill_sessions(tx, till, [(row, left)])
    return billed
