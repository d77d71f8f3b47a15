"""What may become of an operator's business day. Pure; docs/settlement.md draws it.

open ──▶ frozen ──▶ reconciled ──▶ paid_out
            │ ▲          │ ▲
            ▼ │          ▼ │
            held ◀───────held          and back to where it was
"""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a settlement stands."""

    OPEN = "open"
    """The day is not over: journals come."""
    FROZEN = "frozen"
    """Whatever is posted from now on belongs to a later day."""
    RECONCILED = "reconciled"
    """The channels' bills say the same, or somebody has decided where they do not."""
    PAID_OUT = "paid_out"
    HELD = "held"
    """Somebody said to wait, and why."""


STEPS: Final = {
    State.OPEN: frozenset({State.FROZEN}),
    State.FROZEN: frozenset({State.RECONCILED, State.HELD}),
    State.RECONCILED: frozenset({State.PAID_OUT, State.HELD}),
    State.HELD: frozenset({State.FROZEN, State.RECONCILED}),
    State.PAID_OUT: frozenset[State](),
}
