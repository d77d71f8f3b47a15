"""How a city and its car parks bill: every number that somebody may want otherwise. Pure.

The city's policy goes before the defaults, a car park's before the city's, field by field.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Fen = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
Seconds = Annotated[int, Field(strict=True, ge=0, le=30 * 86_400)]
Days = Annotated[int, Field(strict=True, ge=1, le=3_650)]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000)]
BasisPoints = Annotated[int, Field(strict=True, ge=0, le=10_000)]
LEVELS_MAX = 10


def _ascending(days: tuple[int, ...]) -> tuple[int, ...]:
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise PydanticCustomError("ascending", "each reminder comes later than the one before")
    return days


class BillingPolicy(BaseModel):
    """Money in fen, shares in basis points, times in the unit that ends the name (`_s` seconds, `_h`, `_d`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pay_later: bool = Field(default=True, strict=True, description="Whether vehicles with an agreement leave first.")
    cap_per_stay: Fen = Field(default=20_000, description="A stay that costs more is paid at the barrier.")
    unpaid_max: Count = Field(default=0, description="With more unpaid earlier charges a vehicle gets no new credit.")
    disputed_max: Count = Field(
        default=2, description="So many objections may wait for an answer before they count as unpaid."
    )
    collect_s: Seconds = Field(
        default=86_400, description="A payment channel has this long before what it collects counts as unpaid."
    )
    quote_s: Annotated[Seconds, Field(ge=60, le=3_600)] = Field(
        default=300, description="A price that is asked for inside can be paid for this long."
    )
    exit_window_s: Annotated[Seconds, Field(le=86_400)] = Field(
        default=900, description="Whoever paid inside leaves within this time for nothing more."
    )
    barrier_wait_s: Annotated[Seconds, Field(ge=10, le=86_400)] = Field(
        default=1_800, description="A payment this long after the vehicle came to the exit still opens the barrier."
    )
    unrated_opens: bool = Field(
        default=True, strict=True, description="A stay whose fee is not known leaves; otherwise staff are called."
    )
    unseen_opens: bool = Field(
        default=True, strict=True, description="A vehicle that nobody saw come leaves; otherwise staff are called."
    )
    remind_after_d: Annotated[tuple[Days, ...], Field(max_length=LEVELS_MAX), AfterValidator(_ascending)] = Field(
        default=(3, 10, 30), description="Days after a charge is due on which its driver is reminded of it."
    )
    write_off_after_d: Days = Field(default=365, description="Days after a charge is due: nobody is asked any more.")
    same_reading_s: Annotated[Seconds, Field(le=600)] = Field(
        default=10, description="A lane that reads an entry again within this time has read it twice."
    )
    same_exit_s: Annotated[Seconds, Field(le=86_400)] = Field(
        default=1_800, description="Whoever is read at an exit again within this time has not got through before."
    )
    suspect_after_h: Annotated[int, Field(strict=True, ge=1, le=8_784)] = Field(
        default=72, description="A vehicle that nobody saw leave for so long is suspect, until its exit comes."
    )
    stay_h_max: Annotated[int, Field(strict=True, ge=1, le=17_520)] = Field(
        default=720, description="A longer stay is not billed before somebody has looked at it."
    )
    match_confidence_below: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.9, description="A plate read with less confidence may be matched with the only one it resembles."
    )
    zone_time: Literal["instead", "also"] = Field(
        default="instead",
        description="Time in a zone with its own tariff is billed by that instead of the car park's, or also by it.",
    )
    complaint_telephone: Annotated[str, Field(pattern=r"^[0-9+() -]{0,30}$")] = Field(
        default="", description="Told to whoever is billed."
    )
    platform_share_bp: BasisPoints = Field(default=0, description="What the platform keeps of what drivers pay.")

    @classmethod
    def merged(cls, city: Mapping[str, Any] | None, car_park: Mapping[str, Any] | None) -> Self:
        """That of a car park, of what its row and the city's say."""
        return cls.model_validate({**(city or {}), **(car_park or {})})

    def look_again_at(self, due_at: datetime, *, level: int) -> datetime:
        """When a charge that was reminded of `level` times is looked at next: for a reminder, or to write it off."""
        last = timedelta(days=self.write_off_after_d)
        days = self.remind_after_d[level] if level < len(self.remind_after_d) else self.write_off_after_d
        return due_at + min(last, timedelta(days=days))

    def is_written_off(self, due_at: datetime, now: datetime) -> bool:
        """Whether nobody is asked any more."""
        return now >= due_at + timedelta(days=self.write_off_after_d)
