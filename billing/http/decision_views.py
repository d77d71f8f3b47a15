"""What was decided of a stay, and how it stands now: for its driver and its operator."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from billing.eligibility import Reason
from billing.entry_decision import EntryDecision
from billing.exit_way import Way
from kernel.moments import Moment
from kernel.money import Money


class CreditView(BaseModel):
    """Whether the vehicle may leave first and pay later, and everything that stands against it."""

    model_config = ConfigDict(frozen=True)

    pays_later: bool
    reasons: list[Reason]
    cap: Money = Field(description="What a stay may cost then.")
    unpaid: Money = Field(description="Of earlier stays, over all car parks.")
    at: Moment

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Self | None:
        """As it was decided at the entry."""
        if kept is None:
            return None
        return cls.model_validate(
            {
                **{name: kept[name] for name in ("pays_later", "reasons", "at")},
                "cap": Money(amount=kept["cap"]),
                "unpaid": Money(amount=kept["amount_unpaid"]),
            }
        )

    @classmethod
    def now(cls, decision: EntryDecision, at: Any) -> Self:
        """As it stands `at` this moment; it is decided anew at the exit."""
        return cls(
            pays_later=decision.pays_later,
            reasons=list(decision.reasons),
            cap=Money(amount=decision.cap),
            unpaid=Money(amount=decision.amount_unpaid),
            at=at,
        )


class ExitView(BaseModel):
    """How the stay was settled at its exit. `amount` is what `charge` asks for."""

    model_config = ConfigDict(frozen=True)

    way: Way
    opens: bool
    amount: Money
    charge: str | None
    reasons: list[Reason] = Field(description="Against paying later, where that was tried.")
    lane: str
    at: Moment

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Self | None:
        if kept is None:
            return None
        names = ("way", "opens", "charge", "reasons", "lane", "at")
        return cls.model_validate({**{name: kept[name] for name in names}, "amount": Money(amount=kept["amount"])})
