"""What may become of a charge. Pure; docs/lifecycles.md draws it.

    quoted ──▶ due ──▶ accepted ──▶ paid ──▶ part_refunded ──▶ refunded
                │ ▲        │          ▲ ▲
                ▼ └─failed─┘          │ │
             overdue(level) ──────────┘ │
                │  └──▶ written_off ────┤        disputed ──▶ adjusted (still owed) | void
                └──▶ disputed

Whatever is owed may be paid, disputed or made void; what is paid is only given back. No step adds a fee for lateness.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace as but


class State(StrEnum):
    """Where a charge stands."""

    QUOTED = "quoted"
    """A price for leaving now, good for a while: in no ledger before it is paid."""
    DUE = "due"
    ACCEPTED = "accepted"
    """A channel said that it collects it."""
    PAID = "paid"
    OVERDUE = "overdue"
    WRITTEN_OFF = "written_off"
    DISPUTED = "disputed"
    ADJUSTED = "adjusted"
    """A dispute made it less: the rest is owed."""
    VOID = "void"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"


OWED: Final = frozenset({State.DUE, State.ACCEPTED, State.OVERDUE, State.DISPUTED, State.ADJUSTED})
"""Somebody is asked for it, or will be."""
PAYABLE: Final = OWED | {State.QUOTED, State.WRITTEN_OFF}
HAS_MONEY: Final = frozenset({State.PAID, State.PART_REFUNDED, State.REFUNDED})


class Charge(Struct, frozen=True, kw_only=True):
    """What moves in a charge; fen."""

    state: State
    amount: int
    paid: int = 0
    refunded: int = 0
    level: int = 0

    @property
    def open(self) -> int:
        """What is still to be paid."""
        return self.amount - self.paid if self.state in PAYABLE else 0


class StepRefused(ValueError):
    """It cannot follow on the state that the charge is in."""


def due(charge: Charge) -> Charge:
    """Asked for: a quote that was taken up."""
    return _to(charge, State.DUE, State.QUOTED)


def accepted(charge: Charge) -> Charge:
    return _to(charge, State.ACCEPTED, State.DUE, State.OVERDUE, State.ADJUSTED)


def refused(charge: Charge) -> Charge:
    """The channel that was to collect it could not: somebody else is asked, from now on."""
    return (
        charge if charge.state in (State.DUE, State.OVERDUE, State.ADJUSTED) else _to(charge, State.DUE, State.ACCEPTED)
    )


def deferred(charge: Charge) -> Charge:
    """A channel is asked first after all; it stays what it is until that has answered."""
    if charge.state not in (State.DUE, State.OVERDUE):
        raise StepRefused(f"it is {charge.state}")
    return charge


def overdue(charge: Charge, level: int) -> Charge:
    """Reminded of for the `level`-th time."""
    if level <= charge.level:
        raise StepRefused("a level that was reached already")
    return but(_to(charge, State.OVERDUE, State.DUE, State.OVERDUE, State.ADJUSTED), level=level)


def written_off(charge: Charge) -> Charge:
    return _to(charge, State.WRITTEN_OFF, State.OVERDUE, State.ADJUSTED, State.DUE)


def disputed(charge: Charge) -> Charge:
    """What a channel is collecting already is settled with the channel's refund, not by an objection."""
    return _to(charge, State.DISPUTED, State.DUE, State.OVERDUE)


def upheld(charge: Charge) -> Charge:
    """The objection was looked at: it is owed as it was."""
    return _to(charge, State.DUE, State.DISPUTED)


def adjusted(charge: Charge, amount: int) -> Charge:
    """Owed, to another amount; paid already where nothing is left."""
    if not charge.paid <= amount:
        raise StepRefused("less than was paid: give the difference back instead")
    if amount == 0:
        raise StepRefused("nothing at all: make it void instead")
    changed = _to(charge, State.ADJUSTED, State.DUE, State.OVERDUE, State.DISPUTED, State.ADJUSTED)
    return but(changed, amount=amount)


def void(charge: Charge) -> Charge:
    """It should never have been asked for, and nothing was paid."""
    if charge.paid:
        raise StepRefused("something was paid: give it back instead")
    return _to(charge, State.VOID, State.QUOTED, *OWED)


def paid(charge: Charge, amount: int) -> Charge:
    """All that was open was paid."""
    if charge.state not in PAYABLE or amount != charge.open:
        raise StepRefused(f"{charge.open} is open")
    return but(charge, state=State.PAID, paid=charge.paid + amount)


def refunded(charge: Charge, amount: int) -> Charge:
    """Some or all of what was paid went back."""
    if charge.state not in HAS_MONEY or not 0 < amount <= charge.paid - charge.refunded:
        raise StepRefused(f"{charge.paid - charge.refunded if charge.state in HAS_MONEY else 0} can be given back")
    back = charge.refunded + amount
    return but(charge, state=State.REFUNDED if back == charge.paid else State.PART_REFUNDED, refunded=back)


def _to(charge: Charge, state: State, *since: State) -> Charge:
    if charge.state not in since:
        raise StepRefused(f"it is {charge.state}")
    return but(charge, state=state)
