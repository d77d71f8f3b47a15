"""What owners write of their listings."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from contracts.ids import Slug
from kernel.db import Row
from kernel.money import Money
from reservation.change_listing import Change
from reservation.listing import Lent
from reservation.place import PlaceIn
from reservation.windows import Away, Exceptions, Windows

PRICE_MAX = 1_000_000
"""Fen an hour: the table refuses more."""


class PerHour(Money):
    """For an hour, by started minutes."""

    amount: Annotated[int, Field(strict=True, ge=0, le=PRICE_MAX)]


OwnerShare = Annotated[
    int, Field(strict=True, ge=0, le=10_000, description="Basis points of the income that are the owner's.")
]
Notice = Annotated[
    int, Field(strict=True, ge=0, le=30 * 86_400, description="How long before its beginning a stay must be booked.")
]
Proof = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"),
    Field(description="What shows the right to lend it, for the operator: a contract's number, say."),
]


class ListingIn(BaseModel):
    """A private space and when it is lent. Times are those of the car park's clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    space: str = Field(max_length=97, examples=["B1-032"], description="A label, or `car_park/space`.")
    car_park: Slug | None = Field(default=None, description="Where the label alone is not enough.")
    windows: Windows
    exceptions: Exceptions = ()
    price: PerHour
    owner_share_bp: OwnerShare
    notice_s: Notice = 0
    proof: Proof | None = None

    @property
    def place(self) -> PlaceIn:
        """The space."""
        return PlaceIn(car_park=self.car_park, space=self.space)

    @property
    def lent(self) -> Lent:
        """When and for how much."""
        return Lent(
            windows=self.windows,
            exceptions=self.exceptions,
            price_per_hour=self.price.amount,
            owner_share_bp=self.owner_share_bp,
            notice_s=self.notice_s,
        )


class ListingPatch(BaseModel):
    """What shall be otherwise; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    windows: Windows | None = None
    exceptions: Exceptions | None = None
    price: PerHour | None = None
    owner_share_bp: OwnerShare | None = Field(default=None, description="Once approved, it can only be lowered.")
    notice_s: Notice | None = None
    proof: Proof | None = None
    paused: bool | None = Field(default=None, description="True: nothing is offered until it is false again.")
    version: int | None = Field(default=None, description="Refuse when the listing is no longer at this one.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"version"}:
            raise PydanticCustomError("empty", "say what shall be changed")
        return self

    def change(self, row: Row) -> Change:
        """Of the listing in `row`."""
        was = Lent.of(row)
        lent = Lent(
            windows=was.windows if self.windows is None else self.windows,
            exceptions=was.exceptions if self.exceptions is None else self.exceptions,
            price_per_hour=was.price_per_hour if self.price is None else self.price.amount,
            owner_share_bp=was.owner_share_bp if self.owner_share_bp is None else self.owner_share_bp,
            notice_s=was.notice_s if self.notice_s is None else self.notice_s,
        )
        proof = row["proof"] if self.proof is None else self.proof
        return Change(lent=lent, paused=self.paused, proof=proof, version=self.version)


class TakeBackIn(Away):
    """`[from, until)`: the owner needs the space then."""

    keep_promises: bool = Field(
        default=False, description="Take what is free of it, and keep the promises that stand in the way."
    )
