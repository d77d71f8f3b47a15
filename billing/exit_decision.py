"""A vehicle stands at the exit: what it still costs, in which way it is paid, and whether the barrier opens.

In the transaction of the passage, and without asking anybody outside: the fee is known, everything else stands in the
database. The order of `ways` is the order in which they are tried; only the last two leave the barrier shut, and both
show what to do. A vehicle that has left already (its passage comes late) is decided on all the same, without orders.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, structs

from billing.charge_lifecycle import State
from billing.charges import NewCharge, raise_charge, void_charge
from billing.eligibility import Reason, why_not
from billing.fee_lines import lines_of, paid_before
from billing.session_lifecycle import State as SessionState
from billing.sql import charges, decisions
from billing.sql.standing import AtExit, at_exit
from billing.tariffs.fee import Fee
from contracts.facts import PassageSeen
from contracts.lane_orders import is_live, tell_lane
from contracts.orders import GiveOrder, OrderKind
from kernel.db import Row, Tx
from kernel.jobs import enqueue
from kernel.moments import wire_time

ACTOR: Final = "billing"
COLLECT: Final = "billing.collect"
_COVERED: Final = frozenset({"covered", "exempt"})
CALL_STAFF: Final = "请按铃联系管理员 Please ring for staff"


class Way(StrEnum):
    """How a stay is settled. The strings are promises, and the reasons of the barrier's orders."""

    FREE = "free"
    PERMIT = "permit"
    """A pass or permit covers it."""
    PREPAID = "prepaid"
    """Paid inside, and left in time."""
    RESERVATION = "reservation"
    """The promise that was paid for."""
    PAY_LATER = "pay_later"
    PAY_AT_BARRIER = "pay_at_barrier"
    AFTERWARDS = "afterwards"
    """It had left before we knew: it owes, and is asked for it."""
    UNRATED = "unrated"
    """Nobody knows what it costs: it leaves, and staff settle it afterwards."""
    STAFF = "staff"
    """The same, where the policy wants staff to look first."""


class Decision(Struct, frozen=True, kw_only=True):
    """`amount`: fen that are still asked for, by the charge `charge`. `reasons` are those against paying later, where
    it would have been tried.
    """

    way: Way
    amount: int = 0
    charge: str | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def opens(self) -> bool:
        """Whether the vehicle may go."""
        return self.way not in (Way.PAY_AT_BARRIER, Way.STAFF)

    def document(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "way": self.way,
            "opens": self.opens,
            "amount": self.amount,
            "charge": self.charge,
            "reasons": [str(reason) for reason in self.reasons],
        }


def decide(session: Row, fee: Fee | None, seen: AtExit, exit_at: datetime, *, stands: bool) -> Decision:
    """The decision, without a charge yet. `fee` None: nobody knows it. `stands`: the vehicle is still there. Pure."""
    policy = seen.standing.policy
    if session["reservation"] is not None:
        amount, settled = seen.promise_amount, Way.RESERVATION
    elif fee is None and session["state"] == SessionState.CLOSED:
        return Decision(way=Way.FREE)  # what it lies in is billed
    elif fee is None:
        opens = policy.unseen_opens if session["entry_at"] is None else policy.unrated_opens
        return Decision(way=Way.UNRATED if opens or not stands else Way.STAFF)
    elif fee.total == 0:
        return Decision(way=Way.PERMIT if any(line.kind in _COVERED for line in fee.lines) else Way.FREE)
    else:
        amount, settled = max(0, fee.total - seen.paid), Way.PREPAID
        window = timedelta(seconds=policy.exit_window_s)
        if seen.paid and seen.paid_at is not None and seen.paid_at <= exit_at <= seen.paid_at + window:
            amount = 0
    if amount == 0:
        return Decision(way=settled)
    reasons = why_not(policy, seen.standing.known, amount=amount)
    if not reasons:
        return Decision(way=Way.PAY_LATER, amount=amount)
    return Decision(way=Way.PAY_AT_BARRIER if stands else Way.AFTERWARDS, amount=amount, reasons=reasons)


async def decide_exit(tx: Tx, give_order: GiveOrder, session: Row, fee: Fee | None, passage: PassageSeen) -> Decision:
    """Decide, ask for what is owed, keep it with the `session` and tell the lane.

    `session` is locked, `fee` is that of leaving at `passage` (None: nobody could work it out). Decided again, a charge
    that stands for the same amount stays; one that has become another is made anew.
    """
    seen = await _seen(tx, session)
    stands = is_live(passage, tx.now)
    decision = decide(session, fee, seen, passage.at, stands=stands)
    decision = structs.replace(
        decision, charge=await _charge(tx, session, fee=fee, seen=seen, decision=decision, passage=passage)
    )
    document = {**decision.document(), "lane": passage.lane, "passage": passage.id, "at": wire_time(passage.at)}
    driver = seen.standing.driver
    await decisions.keep_at_exit(tx, session["id"], document, passage, is_live=stands, driver=driver)
    if decision.way is Way.PAY_LATER and decision.charge is not None:
        await enqueue(tx, COLLECT, decision.charge.encode(), once=f"{COLLECT} {decision.charge}")
    if not stands:
        return decision
    if decision.opens:
        await tell_lane(tx, give_order, passage, OrderKind.OPEN_BARRIER, actor=ACTOR, reason=decision.way)
        return decision
    await decisions.wait(tx, passage, session=session["id"], charge=decision.charge)
    text = CALL_STAFF if decision.charge is None else to_pay(decision.amount, decision.charge)
    await tell_lane(tx, give_order, passage, OrderKind.SHOW_TEXT, actor=ACTOR, reason=decision.way, text=text)
    return decision


async def _seen(tx: Tx, session: Row) -> AtExit:
    """What stands there, with the charge that is owed locked: whoever is just paying it is waited for."""
    seen = await at_exit(tx, session)
    if seen.charge is None:
        return seen
    (row,) = await charges.lock(tx, [seen.charge])
    if (row["state"], row["amount"]) == (seen.charge_state, seen.charge_amount):
        return seen
    return await at_exit(tx, session)


def to_pay(amount: int, charge: str) -> str:
    """What a display shows; it makes a QR code of what begins with a slash, at its own city's address."""
    return f"请付{amount // 100}.{amount % 100:02}元 Pay /pay/{charge}"


async def _charge(
    tx: Tx, session: Row, *, fee: Fee | None, seen: AtExit, decision: Decision, passage: PassageSeen
) -> str | None:
    """The charge that asks for it; what stood there for another amount is void."""
    if seen.charge is not None:
        if seen.charge_amount == decision.amount or seen.charge_state not in (State.DUE, State.OVERDUE):
            return seen.charge
        (row,) = await charges.lock(tx, [seen.charge])
        await void_charge(tx, row, actor=ACTOR, reason="decided again")
    if decision.amount == 0:
        return None
    if session["reservation"] is not None or fee is None:
        return seen.promise_charge
    policy, lines = seen.standing.policy, lines_of(fee)
    if seen.paid and seen.paid_at is not None:
        lines.append(paid_before(seen.paid, seen.paid_at))
    due_at = tx.now + timedelta(seconds=policy.collect_s if decision.way is Way.PAY_LATER else 0)
    row = await raise_charge(
        tx,
        NewCharge(
            kind="parking",
            session=session["id"],
            car_park=session["car_park"],
            operator=session["operator"],
            plate=session["plate"],
            color=session["color"],
            ticket=session["ticket"],
            driver=seen.standing.driver or session["driver"],
            amount=decision.amount,
            lines=lines,
            tariff=session["tariff"],
            platform_share_bp=policy.platform_share_bp,
            begins=session["entry_at"],
            ends=passage.at,
            due_at=due_at,
            remind_at=policy.look_again_at(due_at, level=0),
        ),
    )
    charge: str = row["id"]
    return charge
