"""What may become of a payment, and of a refund. Pure; docs/lifecycles.md draws it.

    created ──▶ sent ──▶ accepted ──▶ succeeded
       │         │          │            ▲
       └─────────┴──────────┴──▶ failed ─┤    (the channel's truth is the last word, in whatever order it is told)
       └─────────┴─────────────▶ closed ─┘

Nothing leads away from `succeeded`: what went back is a refund's own business.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from billing.channels.protocol import RefundStanding, Standing


class State(StrEnum):
    """Where a payment stands."""

    CREATED = "created"
    """A row; the channel may have heard of it, or not."""
    SENT = "sent"
    """The channel has it, and waits for the driver."""
    ACCEPTED = "accepted"
    """It will pay, whatever comes."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CLOSED = "closed"


UNDER_WAY: Final = frozenset({State.CREATED, State.SENT, State.ACCEPTED})


class RefundState(StrEnum):
    """Where a refund stands."""

    CREATED = "created"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


REFUND_UNDER_WAY: Final = frozenset({RefundState.CREATED, RefundState.SENT})

_AFTER: Final = {
    Standing.WAITING: (State.SENT, {State.CREATED}),
    Standing.ACCEPTED: (State.ACCEPTED, {State.CREATED, State.SENT}),
    Standing.SUCCEEDED: (State.SUCCEEDED, {*UNDER_WAY, State.FAILED, State.CLOSED}),
    Standing.FAILED: (State.FAILED, {*UNDER_WAY}),
    Standing.CLOSED: (State.CLOSED, {*UNDER_WAY}),
}
_REFUND_AFTER: Final = {
    RefundStanding.PROCESSING: (RefundState.SENT, {RefundState.CREATED}),
    RefundStanding.SUCCEEDED: (RefundState.SUCCEEDED, {*REFUND_UNDER_WAY, RefundState.FAILED}),
    RefundStanding.FAILED: (RefundState.FAILED, {*REFUND_UNDER_WAY}),
}


def after(state: State, told: Standing) -> State:
    """Where a payment in `state` stands when the channel tells `told`; the same where that says nothing new."""
    following, since = _AFTER.get(told, (state, set()))
    return following if state in since else state


def refund_after(state: RefundState, told: RefundStanding) -> RefundState:
    """The same of a refund."""
    following, since = _REFUND_AFTER.get(told, (state, set()))
    return following if state in since else state


ASK_FIRST_S: Final = 4
"""Channels answer and tell within a second or two."""
ASK_PAYER_S_MAX: Final = 30
"""Somebody stands before a code and waits for the barrier."""
ASK_S_MAX: Final = 3_600
"""A channel tells it again for 24 hours; whatever it does not tell is still found within the hour."""
LEASE: Final = timedelta(seconds=60)
"""Longer than any request takes: whoever took it up and died leaves it to another after this."""
PAY_WITHIN: Final = timedelta(minutes=15)
"""A code that nobody paid by then is closed."""


def ask_again_after(attempts: int, *, is_waited_for: bool) -> timedelta:
    """Doubled with each attempt (1, 2, ...) up to the limit."""
    longest = ASK_PAYER_S_MAX if is_waited_for else ASK_S_MAX
    return timedelta(seconds=min(longest, ASK_FIRST_S * 2 ** min(attempts - 1, 20)))
