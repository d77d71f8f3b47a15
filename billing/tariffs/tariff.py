"""A version of a tariff: everything a price board says, as data. Read it with `read_tariff`, price with `rate`.

Illegal tariffs do not build; `TariffRefused` names each field and says what to do. The JSON Schema of `TariffVersion`
is what an editor needs. docs/tariffs.md shows every rule.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from billing.tariffs.calendar import public_calendar
from billing.tariffs.concession import Concession
from billing.tariffs.days import CalendarRule, unknown_sets
from billing.tariffs.plan import Plan
from billing.tariffs.words import Fen, Frozen, Text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as unknown:
        raise PydanticCustomError(
            "time_zone", "no such time zone; write an IANA name such as Asia/Shanghai"
        ) from unknown
    return name


class LostTicket(Frozen):
    """What is asked of whoever cannot say when they came."""

    amount: Fen = Field(title="amount", examples=[10000])
    how: Literal["instead", "at_least", "added"] = Field(
        default="instead", title="how",
        description="`instead` of the fee, `at_least` when the stay is known and costs more, or `added` to the fee.",
    )  # fmt: skip


class Total(Frozen):
    """What is done to the sum, in this order: tax, rounding, the least that is asked."""

    tax_ppm: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = Field(
        default=0, title="tax on top", description="Millionths: 183750 is 18.375 %. 0 where prices include it."
    )
    round_to: Annotated[int, Field(strict=True, ge=1, le=100_000)] = Field(
        default=1, title="rounded to", description="Minor units: 100 for whole yuan.", examples=[100]
    )
    round_how: Literal["down", "up", "nearest"] = Field(default="down", title="rounded")
    least: Fen = Field(default=0, title="least", description="Asked at least, once anything is.")


class TariffVersion(Frozen):
    """What a car park charges from one date to another."""

    name: Text = Field(title="name", examples=[{"zh": "小型车收费标准", "en": "prices for small vehicles"}])
    source: str | None = Field(default=None, title="source", max_length=500, description="Whose decision it is.")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field(default="CNY", title="currency", examples=["CNY"])
    minor_digits: Annotated[int, Field(strict=True, ge=0, le=3)] = Field(
        default=2, title="digits after the point", description="2 for fen and cent, 0 for yen."
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="Asia/Shanghai", title="time zone", description="IANA name; all times of day are local."
    )
    valid_from: AwareDatetime | None = Field(default=None, title="for entries from")
    valid_until: AwareDatetime | None = Field(default=None, title="for entries before")
    count: Literal["minutes", "seconds"] = Field(
        default="minutes", title="stays are counted in",
        description="`minutes`: a minute counts when it is complete. `seconds`: every second counts.",
    )  # fmt: skip
    calendar: CalendarRule = Field(default=CalendarRule(), title="calendar")
    plans: tuple[Plan, ...] = Field(min_length=1, max_length=50, title="plans")
    choose: Literal["first", "cheapest"] = Field(
        default="first", title="of several plans that fit", description="The first one listed, or the cheapest."
    )
    concessions: tuple[Concession, ...] = Field(default=(), title="concessions", max_length=100)
    lost_ticket: LostTicket | None = Field(default=None, title="lost ticket")
    total: Total = Field(default=Total(), title="the sum")

    @cached_property
    def worked_out(self) -> dict[int, object]:
        """What `rate` makes of this data, by calendar, so that it is made once; it follows from the fields."""
        return {}

    @model_validator(mode="after")
    def _consistent(self) -> "TariffVersion":
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise PydanticCustomError("valid_until", "valid_until must be after valid_from")
        _different("plans", [plan.id for plan in self.plans])
        ids = [concession.id for concession in self.concessions]
        _different("concessions", ids)
        named = {one for plan in self.plans for one in plan.when.permits or ()}
        named |= {one for concession in self.concessions for one in concession.not_with}
        if named - set(ids):
            raise PydanticCustomError(
                "permits",
                "{unknown} is no concession of this tariff: add it under concessions (kind permit)",
                {"unknown": ", ".join(sorted(named - set(ids)))},
            )
        if missing := unknown_sets(self._day_words(), self.calendar):
            raise PydanticCustomError(
                "days",
                "{missing} is not defined: add it under calendar.sets",
                {"missing": ", ".join(sorted(set(missing)))},
            )
        try:
            public_calendar(self.calendar.country, self.calendar.subdivision)
        except KeyError as unknown:
            raise PydanticCustomError(
                "calendar", "no holidays are known of this country; write an ISO 3166-1 code such as CN"
            ) from unknown
        return self

    def is_valid(self, entry: datetime) -> bool:
        """Whether it prices stays that begin at `entry`; a stay keeps the version of its entry."""
        return (self.valid_from is None or self.valid_from <= entry) and (
            self.valid_until is None or entry < self.valid_until
        )

    def _day_words(self) -> list[str]:
        words: list[str] = []
        for plan in self.plans:
            words += plan.when.day_words()
            for window in plan.windows:
                words += [*window.days, *(window.not_days or ())]
        for concession in self.concessions:
            words += concession.when.day_words()
            for cover in concession.covers:
                words += cover.days
        return words


class Refusal(Frozen):
    """One thing that is wrong with a tariff."""

    field: str
    advice: str


class TariffRefused(ValueError):
    """The tariff says something impossible; `refusals` name each field and what to do."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        super().__init__("; ".join(f"{one.field}: {one.advice}" for one in refusals))
        self.refusals = refusals


def read_tariff(document: str | bytes | dict[str, Any]) -> TariffVersion:
    """A version from its JSON, or from what that holds. Raises TariffRefused."""
    try:
        if isinstance(document, dict):
            return TariffVersion.model_validate_json(_json(document))
        return TariffVersion.model_validate_json(document)
    except ValidationError as error:
        raise TariffRefused(tuple(_refusals(error))) from error


def tariff_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a version, with titles, descriptions and examples, for an editor."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **TariffVersion.model_json_schema()}


def _json(document: dict[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(document)


def _different(field: str, ids: list[str]) -> None:
    if len(set(ids)) < len(ids):
        raise PydanticCustomError("same_id", f"two {field} have the same id: give each its own")


_ADVICE: dict[str, str] = {
    "extra_forbidden": "there is no such field; see the schema for those there are",
    "missing": "it is needed",
    "union_tag_not_found": "say its kind: units, totals, flat or free",
    "union_tag_invalid": "its kind is units, totals, flat or free",
    "int_type": "write a whole number: amounts are minor units (fen), times are minutes",
    "int_from_float": "write a whole number: amounts are minor units (fen), times are minutes",
    "json_invalid": "this is no JSON",
}


def _refusals(error: ValidationError) -> Iterator[Refusal]:
    """Without the complaints that a list is too short whose only fault is that one of its members is wrong."""
    errors = error.errors(include_url=False)
    for one in errors:
        place = one["loc"]
        inner = any(len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors)
        if one["type"] != "too_short" or not inner:
            yield _refusal(one)


def _refusal(error: Any) -> Refusal:
    place = ".".join(str(part) for part in error["loc"] if part not in {"units", "totals", "flat", "free"}) or "tariff"
    kind = error["type"]
    if kind in _ADVICE:
        return Refusal(field=place, advice=f"{_ADVICE[kind]} ({error['msg']})")
    return Refusal(field=place, advice=error["msg"])
