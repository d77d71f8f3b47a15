"""How a car park promises: its policy, the terms that a promise takes with it, and what a stay costs. Pure.

A policy changes; the terms of a promise stay as they were offered.
"""

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Seconds = Annotated[int, Field(strict=True, ge=0, le=30 * 86_400)]
BasisPoints = Annotated[int, Field(strict=True, ge=0, le=10_000)]
CHARGE_MAX = 10**9
"""Fen of one stay, whatever its terms say: ten million yuan is a mistake. The table refuses more."""

Fen = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class Policy(BaseModel):
    """What an operator sets for a car park; money in fen, shares in basis points of the price."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hold_s: Annotated[Seconds, Field(ge=10, le=3600)] = Field(default=300, description="A hold waits this long.")
    offer_s: Annotated[Seconds, Field(ge=10, le=3600)] = Field(
        default=300, description="A quote is good for this long, and what the waiting list is offered."
    )
    due_s: Annotated[Seconds, Field(le=86_400)] = Field(
        default=1800, description="Promises that begin within this time are taken from `free` and kept from walk-ins."
    )
    ahead_s: Annotated[Seconds, Field(ge=60)] = Field(default=30 * 86_400, description="How far ahead one may book.")
    notice_s: Seconds = Field(default=0, description="How long before its beginning a stay must be booked.")
    stay_s_min: Annotated[Seconds, Field(ge=60)] = Field(default=300, description="The shortest stay.")
    stay_s_max: Annotated[Seconds, Field(ge=60)] = Field(default=7 * 86_400, description="The longest stay.")
    early_s: Seconds = Field(default=900, description="One may arrive this early when there is room.")
    late_s: Seconds = Field(default=1800, description="Whoever has not come by then is a no-show.")
    exit_grace_s: Seconds = Field(default=900, description="Leaving this late costs nothing.")
    free_cancel_s: Seconds = Field(default=900, description="Cancelling is free until this long before the beginning.")
    cancel_fee_bp: BasisPoints = Field(default=3_000, description="What a later cancellation costs.")
    no_show_fee_bp: BasisPoints = Field(default=10_000, description="What not coming costs.")
    price_per_hour: Fen = Field(default=500, description="By the minute, rounded up to a fen.")
    overstay_per_hour: Fen = Field(default=1_000, description="From the promised end on, once the grace is over.")

    @model_validator(mode="after")
    def _possible(self) -> "Policy":
        if self.stay_s_min > self.stay_s_max:
            raise PydanticCustomError("stay", "stay_s_min must not be more than stay_s_max")
        return self


class Terms(Struct, frozen=True, kw_only=True):
    """What a promise carries of the policy under which it was made. Money in fen."""

    hold_s: int
    due_s: int
    early_s: int
    late_s: int
    exit_grace_s: int
    free_cancel_s: int
    cancel_fee_bp: int
    no_show_fee_bp: int
    price_per_hour: int
    overstay_per_hour: int
    stay_s_max: int
    owner_share_bp: int = 0

    @classmethod
    def of(cls, policy: Policy, *, price_per_hour: int | None = None, owner_share_bp: int = 0) -> "Terms":
        """Those of `policy`; a shared space has a price of its own."""
        said = {name: getattr(policy, name) for name in cls.__struct_fields__ if name != "owner_share_bp"}
        if price_per_hour is not None:
            said |= {
                "price_per_hour": price_per_hour,
                "overstay_per_hour": max(price_per_hour, policy.overstay_per_hour),
            }
        return cls(**said, owner_share_bp=owner_share_bp)

    def price(self, begins: datetime, until: datetime) -> int:
        """Of a stay, in fen."""
        return cost(self.price_per_hour, until - begins)

    def free_until(self, begins: datetime) -> datetime:
        """Cancelling costs nothing until then."""
        return begins - timedelta(seconds=self.free_cancel_s)

    def cancel_fee(self, begins: datetime, now: datetime, price: int) -> int:
        """What cancelling costs `now`."""
        return 0 if now <= self.free_until(begins) else self.cancel_fee_late(price)

    def cancel_fee_late(self, price: int) -> int:
        """What cancelling costs once it is no longer free."""
        return share(price, self.cancel_fee_bp)

    def no_show_fee(self, price: int) -> int:
        """What not coming costs."""
        return share(price, self.no_show_fee_bp)

    def leave_by(self, until: datetime) -> datetime:
        """Leaving costs no more than the price until then."""
        return until + timedelta(seconds=self.exit_grace_s)

    def overstay_fee(self, until: datetime, left_at: datetime) -> int:
        """What leaving at `left_at` costs beyond the price: nothing within the grace, afterwards all of it."""
        return 0 if left_at <= self.leave_by(until) else cost(self.overstay_per_hour, left_at - until)

    def extension_price(self, until: datetime, later: datetime, now: datetime) -> int:
        """What staying from `until` to `later` adds: whoever asks when the grace is over pays for overstaying first."""
        late = self.overstay_fee(until, now)
        return late + cost(self.price_per_hour, later - (now if late else until))

    def earliest(self, begins: datetime) -> datetime:
        """One may arrive from then on, where there is room."""
        return begins - timedelta(seconds=self.early_s)

    def latest(self, begins: datetime, until: datetime) -> datetime:
        """One must have arrived by then."""
        return min(begins + timedelta(seconds=self.late_s), until)


def cost(per_hour: int, stay: timedelta) -> int:
    """By started minutes, rounded up to a fen. What is less than the wire tells, a millisecond, starts none."""
    minutes = -(-(stay // timedelta(milliseconds=1)) // 60_000)
    return min(CHARGE_MAX, -(-per_hour * minutes // 60))


def share(amount: int, basis_points: int) -> int:
    """Of `amount`, rounded down: in favour of whoever pays."""
    return amount * basis_points // 10_000
