"""Whether a vehicle may leave first and pay later, and why not. Pure.

Derived from the agreement and from what is unpaid, each time it is asked: there is no flag that somebody must remember
to take away. It decides on new credit and on nothing else: not on entries, not on what is paid or promised already.
"""

from enum import StrEnum

from msgspec import Struct

from billing.policy import BillingPolicy


class AgreementState(StrEnum):
    """Where an agreement stands; the channel's word of the vehicle."""

    PENDING = "pending"
    """The channel has not confirmed it yet."""
    ACTIVE = "active"
    PAUSED = "paused"
    """The driver has switched it off at the channel."""
    OVERDUE = "overdue"
    """The driver owes the channel something."""
    ENDED = "ended"


class Reason(StrEnum):
    """Why there is no credit. The strings are promises."""

    NOT_OFFERED = "not_offered"
    NO_PLATE = "no_plate"
    NO_AGREEMENT = "no_agreement"
    AGREEMENT_PENDING = "agreement_pending"
    AGREEMENT_PAUSED = "agreement_paused"
    AGREEMENT_OVERDUE = "agreement_overdue"
    UNPAID = "unpaid"
    OVER_CAP = "over_cap"


class Known(Struct, frozen=True, kw_only=True):
    """What is known of a vehicle over all car parks. `amount_unpaid` in fen; `unpaid` does not count what a channel is
    collecting, nor `disputed`, objections that nobody has answered.
    """

    has_plate: bool = True
    agreement: AgreementState | None = None
    unpaid: int = 0
    amount_unpaid: int = 0
    disputed: int = 0


_OF_STATE = {
    None: Reason.NO_AGREEMENT,
    AgreementState.ENDED: Reason.NO_AGREEMENT,
    AgreementState.PENDING: Reason.AGREEMENT_PENDING,
    AgreementState.PAUSED: Reason.AGREEMENT_PAUSED,
    AgreementState.OVERDUE: Reason.AGREEMENT_OVERDUE,
}


def why_not(policy: BillingPolicy, known: Known, *, amount: int = 0) -> tuple[Reason, ...]:
    """Every reason against credit of `amount`; empty: the vehicle leaves first and pays later."""
    reasons = []
    if not policy.pay_later:
        reasons.append(Reason.NOT_OFFERED)
    if not known.has_plate:
        reasons.append(Reason.NO_PLATE)
    elif known.agreement in _OF_STATE:
        reasons.append(_OF_STATE[known.agreement])
    if known.unpaid + max(0, known.disputed - policy.disputed_max) > policy.unpaid_max:
        reasons.append(Reason.UNPAID)
    if amount > policy.cap_per_stay:
        reasons.append(Reason.OVER_CAP)
    return tuple(reasons)
