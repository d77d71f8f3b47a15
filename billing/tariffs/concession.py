"""What lowers a fee: discounts, coupons, merchants' validation, monthly passes, permits. Data only."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Struct
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from billing.tariffs.plan import Between, Condition, Days
from billing.tariffs.words import Fen, Frozen, Minutes, Slug, Text

Percent = Annotated[int, Field(strict=True, ge=0, le=100)]


class Cover(Frozen):
    """Hours that a pass covers, on the days on which they begin."""

    days: Days = Field(default=("all",), title="days")
    between: Between = Field(title="hours", description="The end does not belong to it; 00:00 to 24:00 is all day.")


class Concession(Frozen):
    """One reason to pay less. Applied in the order listed: time, percent, amount, what is paid at most."""

    id: Slug
    name: Text = Field(title="name", examples=[{"zh": "新能源车半价", "en": "new-energy half price"}])
    kind: Literal["discount", "coupon", "validation", "pass", "permit"] = Field(
        title="kind", description="A discount is everybody's for whom `when` holds; all others are presented."
    )
    when: Condition = Field(default=Condition(), title="for which stays")
    free_min: Minutes | None = Field(default=None, title="minutes off", examples=[120])
    free_from: Literal["start", "end", "worth"] = Field(
        default="start", title="minutes are taken from",
        description="`start`: charging begins so much later (added to the free time). `end`: as if the car had left so"
        " much earlier. `worth`: what a stay of these minutes costs is taken off.",
    )  # fmt: skip
    percent_off: Percent = Field(default=0, title="percent off", examples=[50])
    percent_of: Literal["total", "units"] = Field(
        default="total", title="percent of", description="`units`: before the caps, so that the cap stays the same."
    )
    percent_off_at_most: Fen | None = Field(
        default=None, title="percent, but no more than", description="The most that the percent of the total takes off."
    )
    amount_off: Fen = Field(default=0, title="amount off")
    pays_at_most: Fen | None = Field(default=None, title="pays at most")
    exempt: bool = Field(
        default=False, title="pays nothing", description="In the hours it covers and while it is valid."
    )
    covers: tuple[Cover, ...] = Field(
        default=(), title="hours covered", max_length=20, description="Of what is exempt; empty: all hours."
    )
    uses_max: Annotated[int, Field(strict=True, ge=1, le=100)] = Field(
        default=1, title="at most of these per stay", description="Of coupons and validations."
    )
    not_with: tuple[Slug, ...] = Field(default=(), title="not together with", description="The one listed first wins.")

    @model_validator(mode="after")
    def _does_something(self) -> "Concession":
        says = (self.free_min, self.percent_off, self.amount_off, self.exempt, self.pays_at_most is not None)
        if not any(says) and self.kind != "permit":
            raise PydanticCustomError(
                "concession",
                "it takes nothing off: write free_min, percent_off, amount_off, pays_at_most or exempt"
                " (only a permit may do nothing but choose a plan)",
            )
        if self.covers and not self.exempt:
            raise PydanticCustomError(
                "covers", "covers says which hours are exempt: write exempt: true, or leave it out"
            )
        return self


class Held(Struct, frozen=True, kw_only=True):
    """A concession that is presented for a stay: a coupon, a pass that is valid from when until when.

    `minutes` and `amount` are what this coupon says where it says less than the tariff's `free_min`, `amount_off`.
    """

    concession: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    count: int = 1
    minutes: int | None = None
    amount: int | None = None
