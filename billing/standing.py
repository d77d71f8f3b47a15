"""How a vehicle stands when it is decided on. Pure; `sql.standing` reads it."""

from datetime import datetime

from msgspec import Struct

from billing.eligibility import Known
from billing.policy import BillingPolicy


class Standing(Struct, frozen=True, kw_only=True):
    """`agreement`, `driver`, `channel`, `color` None: it has no agreement that was confirmed."""

    policy: BillingPolicy
    known: Known
    agreement: str | None = None
    driver: str | None = None
    channel: str | None = None
    color: str | None = None


class AtExit(Struct, frozen=True, kw_only=True):
    """At the exit also: what the stay has `paid` already (fen) and when last; what is owed for its promise."""

    standing: Standing
    paid: int = 0
    paid_at: datetime | None = None
    promise_charge: str | None = None
    promise_amount: int = 0
