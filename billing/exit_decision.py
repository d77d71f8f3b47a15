"""A vehicle stands at the exit: it is decided on, asked for what it owes, and the barrier told.

In the transaction of the passage, and without asking anybody outside: the fee is known, everything else stands in the
database. A vehicle that has left already (its passage comes late) is decided on all the same, without orders.
"""

from typing import Final

from msgspec import structs

from billing.ask_at_exit import ask_at_exit
from billing.exit_way import Decision, Way, decide
from billing.sql import charges, decisions
from billing.sql.standing import at_exit
from billing.tariffs.fee import Fee
from contracts.facts import PassageSeen
from contracts.lane_orders import is_live, tell_lane
from contracts.orders import GiveOrder, OrderKind
from kernel.db import Row, Tx
from kernel.jobs import enqueue
from kernel.moments import wire_time

ACTOR: Final = "billing"
COLLECT: Final = "billing.collect"
CALL_STAFF: Final = "请按铃联系管理员 Please ring for staff"


async def decide_exit(tx: Tx, give_order: GiveOrder, session: Row, fee: Fee | None, passage: PassageSeen) -> Decision:
    """Decide, ask for what is owed, keep it with the `session` and tell the lane.

    `session` is locked, `fee` is that of leaving at `passage` (None: nobody could work it out). Its charges are locked
    first: whoever is just paying one is waited for. Decided again, a charge that stands for the same amount stays; one
    that has become another is made anew.
    """
    open_ones = await charges.lock_open_of(tx, session["id"])
    seen = await at_exit(tx, session)
    stands = is_live(passage, tx.now)
    decision = decide(session, fee, seen, passage.at, stands=stands)
    charge = await ask_at_exit(
        tx, session, open_ones, fee=fee, seen=seen, decision=decision, left_at=passage.at, actor=ACTOR
    )
    decision = structs.replace(decision, charge=charge)
    document = {**decision.document(), "lane": passage.lane, "passage": passage.id, "at": wire_time(passage.at)}
    driver = seen.standing.driver
    await decisions.keep_at_exit(tx, session["id"], document, passage, is_live=stands, driver=driver)
    if decision.way is Way.PAY_LATER and charge is not None:
        await enqueue(tx, COLLECT, charge.encode(), once=f"{COLLECT} {charge}")
    if stands:
        await _tell(tx, give_order, session, decision, passage)
    return decision


async def _tell(tx: Tx, give_order: GiveOrder, session: Row, decision: Decision, passage: PassageSeen) -> None:
    if decision.opens:
        await tell_lane(tx, give_order, passage, OrderKind.OPEN_BARRIER, actor=ACTOR, reason=decision.way)
        return
    await decisions.wait(tx, passage, session=session["id"], charge=decision.charge)
    text = CALL_STAFF if decision.charge is None else to_pay(decision.amount, decision.charge)
    await tell_lane(tx, give_order, passage, OrderKind.SHOW_TEXT, actor=ACTOR, reason=decision.way, text=text)


def to_pay(amount: int, charge: str) -> str:
    """What a display shows; it makes a QR code of what begins with a slash, at its own city's address."""
    return f"请付{amount // 100}.{amount % 100:02}元 Pay /pay/{charge}"
