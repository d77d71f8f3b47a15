"""What may become of a session. Pure; docs/lifecycles.md draws it, the CHECKs of its table say the same.

    open ──exit──▶ exited ──fee──▶ rated ──nothing owed──▶ closed
     │ ▲             ▲  └──────fee 0────────────────────────▲
     ▼ └─healed─┐    │
    suspect ────┴────┘        orphan_exit ──▶ matched | free_passed

Whatever its passages no longer say is `corrected` (another session supersedes it, or none), what an operator takes
back is `voided`. A suspect session never bills.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a session stands."""

    OPEN = "open"
    EXITED = "exited"
    """It has left and costs something that nobody could work out yet: `reason` says why."""
    RATED = "rated"
    CLOSED = "closed"
    SUSPECT = "suspect"
    CORRECTED = "corrected"
    VOIDED = "voided"
    ORPHAN_EXIT = "orphan_exit"
    MATCHED = "matched"
    FREE_PASSED = "free_passed"


FOLLOWS: Final[Mapping[State, frozenset[State]]] = {
    State.OPEN: frozenset({State.EXITED, State.SUSPECT, State.CORRECTED, State.VOIDED}),
    State.SUSPECT: frozenset({State.OPEN, State.EXITED, State.CORRECTED, State.VOIDED}),
    State.EXITED: frozenset({State.RATED, State.CLOSED, State.CORRECTED, State.VOIDED}),
    State.RATED: frozenset({State.CLOSED, State.CORRECTED, State.VOIDED}),
    State.CLOSED: frozenset({State.CORRECTED}),
    State.ORPHAN_EXIT: frozenset({State.MATCHED, State.FREE_PASSED, State.CORRECTED, State.VOIDED}),
    State.MATCHED: frozenset(),
    State.FREE_PASSED: frozenset(),
    State.CORRECTED: frozenset(),
    State.VOIDED: frozenset(),
}
LIVE: Final = frozenset({State.OPEN, State.EXITED, State.RATED, State.CLOSED, State.SUSPECT, State.ORPHAN_EXIT})
"""What passages may still move."""
BY_HAND: Final = frozenset({State.VOIDED, State.FREE_PASSED})
"""A person decided it: passages that come later do not bill it after all."""
BILLED: Final = frozenset({State.EXITED, State.RATED, State.CLOSED})
"""Both its passages are trusted."""
EXCEPTIONS: Final = frozenset({State.EXITED, State.SUSPECT, State.ORPHAN_EXIT})
"""They wait for a person."""
ENTERED: Final = frozenset({State.OPEN, State.SUSPECT, *BILLED})
"""They need an entry; all others may do without."""
PRICED: Final = frozenset({State.RATED, State.CLOSED})
"""And these a price, for the time between two passages."""


def may_become(state: State, after: State) -> bool:
    """Whether the one follows on the other; staying what it is is no step."""
    return after is state or after in FOLLOWS[state]


def needed(state: State) -> frozenset[str]:
    """The columns without which a session cannot be in `state`."""
    found: set[str] = set()
    if state in ENTERED:
        found |= {"entry_at"}
    if state in BILLED:
        found |= {"exit_at"}
    if state in PRICED:
        found |= {"entry_passage", "exit_passage", "amount", "fee"}
    return frozenset(found)
