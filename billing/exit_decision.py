"""A vehicle stands at the exit: it is decided on, asked for what it owes, and the barrier told.

In the transaction of the passage, and without asking anybody outside: the fee is known, everything else stands in the
database. A vehicle that has left already (its passage comes late) is decided on all the same, without orders.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from billing.ask_at_exit import ask_at_exit
from billing.charges import NewCharge, raise_charges
from billing.exit_way import Decision, Way, decide
from billing.sql import charges
from billing.sql import decisions as sql
from billing.sql.decisions import AtExitKept
from billing.sql.standing import at_exits
from billing.standing import AtExit
from billing.tariffs.fee import Fee
from contracts.facts import PassageSeen
from contracts.lane_orders import is_live, tell_lane
from contracts.orders import GiveOrder, OrderKind
from kernel.db import Row, Tx
from kernel.jobs import enqueue_each
from kernel.moments import wire_time

ACTOR: Final = "billing"
COLLECT: Final = "billing.collect"
CALL_STAFF: Final = "请按铃联系管理员 Please ring for staff"


class Leaving(Struct, frozen=True):
    """Who stands at an exit, or stood there: the locked session, the fee of leaving at `passage` (None: nobody could
    work it out), the passage.
    """

    session: Row
    fee: Fee | None
    passage: PassageSeen

    @property
    def places(self) -> frozenset[tuple[str | None, ...]]:
        """Its vehicle, its stay and its lane: whoever shares one is decided on after it."""
        stay, seen = self.session, self.passage
        vehicle = ("vehicle", stay["plate"]) if stay["plate"] is not None else ("ticket", seen.car_park, stay["ticket"])
        return frozenset({vehicle, ("stay", stay["id"]), ("lane", seen.car_park, seen.lane)})


async def decide_exit(tx: Tx, give_order: GiveOrder, session: Row, fee: Fee | None, passage: PassageSeen) -> Decision:
    """Of one; see `decide_exits`."""
    (decision,) = await decide_exits(tx, give_order, [Leaving(session, fee, passage)])
    return decision


async def decide_exits(tx: Tx, give_order: GiveOrder, leaving: Sequence[Leaving]) -> list[Decision]:
    """Decide, ask for what is owed, keep it with the sessions and tell the lanes: one after the other in its meaning,
    and in as few statements for a batch as for one.

    Their charges are locked first: whoever is just paying one is waited for. Decided again, a charge that stands for
    the same amount stays; one that has become another is made anew.
    """
    decided: list[Decision] = []
    together: list[Leaving] = []
    taken: set[tuple[str | None, ...]] = set()
    for one in leaving:
        if not taken.isdisjoint(one.places):
            decided += await _decide_together(tx, give_order, together)
            together, taken = [], set()
        together.append(one)
        taken |= one.places
    return decided + await _decide_together(tx, give_order, together)


async def _decide_together(tx: Tx, give_order: GiveOrder, leaving: Sequence[Leaving]) -> list[Decision]:
    """No two of them share anything."""
    if not leaving:
        return []
    open_ones = await charges.lock_open_of(tx, [one.session["id"] for one in leaving])
    seen = await at_exits(tx, [one.session for one in leaving])
    decisions: list[Decision] = []
    asked: list[str | NewCharge | None] = []
    for one in leaving:
        stay = one.session["id"]
        decision = decide(one.session, one.fee, seen[stay], one.passage.at, stands=is_live(one.passage, tx.now))
        decisions.append(decision)
        asked.append(
            await ask_at_exit(
                tx,
                one.session,
                open_ones[stay],
                fee=one.fee,
                seen=seen[stay],
                decision=decision,
                left_at=one.passage.at,
                actor=ACTOR,
            )
        )
    raised = iter(await raise_charges(tx, [one for one in asked if isinstance(one, NewCharge)]))
    named = [next(raised)["id"] if isinstance(one, NewCharge) else one for one in asked]
    decided = [structs.replace(one, charge=charge) for one, charge in zip(decisions, named, strict=True)]
    both = list(zip(leaving, decided, strict=True))
    await sql.keep_at_exit(tx, [_kept(tx, one, decision, seen[one.session["id"]]) for one, decision in both])
    later = [one.charge for one in decided if one.way is Way.PAY_LATER and one.charge is not None]
    await enqueue_each(tx, COLLECT, later)
    for one, decision in both:
        if is_live(one.passage, tx.now):
            await _tell(tx, give_order, one.session, decision, one.passage)
    return decided


def _kept(tx: Tx, one: Leaving, decision: Decision, seen: AtExit) -> AtExitKept:
    passage = one.passage
    return AtExitKept(
        session=one.session["id"],
        document={
            **decision.document(),
            "lane": passage.lane,
            "passage": passage.id,
            "at": wire_time(passage.at),
        },
        passage=passage,
        is_live=is_live(passage, tx.now),
        driver=seen.standing.driver,
    )


async def _tell(tx: Tx, give_order: GiveOrder, session: Row, decision: Decision, passage: PassageSeen) -> None:
    if decision.opens:
        await tell_lane(tx, give_order, passage, OrderKind.OPEN_BARRIER, actor=ACTOR, reason=decision.way)
        return
    await sql.wait(tx, passage, session=session["id"], charge=decision.charge)
    text = CALL_STAFF if decision.charge is None else to_pay(decision.amount, decision.charge)
    await tell_lane(tx, give_order, passage, OrderKind.SHOW_TEXT, actor=ACTOR, reason=decision.way, text=text)


def to_pay(amount: int, charge: str) -> str:
    """What a display shows; it makes a QR code of what begins with a slash, at its own city's address."""
    return f"请付{amount // 100}.{amount % 100:02}元 Pay /pay/{charge}"
