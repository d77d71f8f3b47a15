"""In which way a stay is settled at its exit. Pure.

The order of the ways is the order in which they are tried; only the last two leave the barrier shut, and both show what
to do.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from billing.eligibility import Reason, why_not
from billing.session_lifecycle import State
from billing.standing import AtExit
from billing.tariffs.fee import Fee
from kernel.db import Row

_COVERED: Final = frozenset({"covered", "exempt"})


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
    elif fee is None and session["state"] == State.CLOSED:
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
