"""The building blocks of what operators may write: strict about types and unknown names, lenient about spelling.

A field that nobody knows is refused. A name may be one string for both languages; a zone, space or lane may be its
label alone.
"""

from typing import Annotated, Any

from opening_hours import validate as is_opening_hours
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from contracts.ids import Label
from contracts.positions import PositionIn
from registry.catalogue import CAPACITY_MAX, Direction, Name

PRINTABLE_PATTERN = r"^[^\x00-\x1f\x7f]*$"
FEATURES_MAX = 50
ENTRANCES_MAX = 50

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=PRINTABLE_PATTERN)]
Feature = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
Features = Annotated[list[Feature], Field(max_length=FEATURES_MAX)]
Capacity = Annotated[int, Field(ge=0, le=CAPACITY_MAX)]


class Wanted(BaseModel):
    """A request's object: unknown fields are refused, by the edge with the nearest known name.

    Where a validator looks before pydantic does, what it hands on is no longer JSON: lists, texts, numbers and enums
    only in such a type, no `Moment`, no set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class NameIn(Wanted):
    """A name in one or both languages; one that is missing is the other."""

    zh: Text | None = None
    en: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        return {"zh": given, "en": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one(self) -> "NameIn":
        if self.zh is None and self.en is None:
            raise PydanticCustomError("name_empty", 'give the name as a string or as {"zh": ..., "en": ...}')
        return self

    def value(self) -> Name:
        """Both languages."""
        return Name(self.zh or self.en or "", self.en or self.zh or "")


def _named(key: str) -> Any:
    """A before-validator: a bare label, or `label` as another word for `key`."""

    def spell(given: Any) -> Any:
        if isinstance(given, str):
            return {key: given}
        if isinstance(given, dict) and "label" in given and key not in given:
            return {key if name == "label" else name: value for name, value in given.items()}
        return given

    return spell


class ZoneIn(Wanted):
    """A zone; without `capacity` it has as many spaces as name it. `level` is the storey, below ground negative."""

    zone: Label
    capacity: Capacity | None = None
    level: Annotated[int, Field(ge=-50, le=200)] | None = None


class SpaceIn(Wanted):
    """A numbered space; `zone` is one that the car park declares."""

    space: Label
    zone: Label | None = None
    features: Features = Field(default_factory=list)


class LaneIn(Wanted):
    """Where vehicles pass; `zone` when the lane leads into a part of the car park only."""

    lane: Label
    direction: Direction = "both"
    zone: Label | None = None


class EntranceIn(Wanted):
    """Where drivers are led to."""

    position: PositionIn
    name: NameIn | None = None
    lane: Label | None = None


ZoneItem = Annotated[ZoneIn, BeforeValidator(_named("zone"))]
SpaceItem = Annotated[SpaceIn, BeforeValidator(_named("space"))]
LaneItem = Annotated[LaneIn, BeforeValidator(_named("lane"))]


def _check_hours(hours: str) -> str:
    if not is_opening_hours(hours):
        raise PydanticCustomError(
            "opening_hours", "not opening hours in OSM syntax: write 24/7 or Mo-Fr 08:00-20:00; Sa 09:00-18:00"
        )
    return hours


OpeningHours = Annotated[Text, AfterValidator(_check_hours)]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
