"""Listings as they are told to owners and operators."""

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from kernel.db import Row
from kernel.moments import Moment
from kernel.money import Money
from reservation.listing import Lent, ListingState
from reservation.windows import Exceptions, LentWindow


class ListingView(BaseModel):
    """A listing as its owner sees it."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    state: ListingState = Field(description="Only what is approved is offered.")
    car_park: str
    space: str | None = Field(description="Null: the car park has no such space any more.")
    windows: Sequence[LentWindow]
    exceptions: Exceptions
    price: Money = Field(description="For an hour.")
    owner_share_bp: int
    platform_share_bp: int = Field(description="At most; the operator's part is the rest.")
    notice_s: int
    proof: str | None
    created_at: Moment
    updated_at: Moment
    decided_at: Moment | None
    decision_reason: str | None = Field(description="In the operator's words.")
    laid_until: Moment | None = Field(description="It can be booked until then at the moment.")

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**_said(row))


class OperatorListingView(ListingView):
    """A listing as the operator of its car park sees it."""

    owner: str
    decided_by: str | None
    released_at: Moment | None = Field(description="Since then the space may be promised to everybody again.")

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**_said(row), owner=row["owner"], decided_by=row["decided_by"], released_at=row["released_at"])


def _said(row: Row) -> dict[str, object]:
    lent = Lent.of(row)
    same = (
        "id",
        "version",
        "state",
        "car_park",
        "owner_share_bp",
        "platform_share_bp",
        "notice_s",
        "proof",
        "created_at",
        "updated_at",
        "decided_at",
        "decision_reason",
        "laid_until",
    )
    return {
        **{name: row[name] for name in same},
        "space": row["space_label"],
        "windows": lent.windows,
        "exceptions": lent.exceptions,
        "price": Money(amount=lent.price_per_hour),
    }
