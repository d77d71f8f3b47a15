"""What an operator may set for one device; strict, so that a misspelt threshold is not one forgotten."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from contracts.ids import Label
from contracts.profiles import Direction, InLane, InLanes

Application = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@._-]{1,128}$")]
Distance = Annotated[int, Field(ge=1, le=20_000)]
"""Millimetres; no parking sensor hangs higher than 20 m."""
Margin = Annotated[int, Field(ge=0, le=5_000)]


class DeviceSettings(BaseModel):
    """Of every device on a LoRaWAN network."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="settings")

    application: Application | None = Field(
        default=None,
        description="The only application that may speak for this device: `app`, `app@tenant` of The Things Stack, or "
        "the application's id of ChirpStack. Without it every application of the network may.",
    )
    heartbeat_s: Annotated[int, Field(ge=1, le=604_800)] | None = Field(
        default=None,
        description="How often it says its state at least; silent for more than two of these, its space is `unknown`.",
    )


class CounterSettings(DeviceSettings, InLanes):
    """Of a device that may be a vehicle counter: where it lies, and which way vehicles pass it."""

    lane: Annotated[Label | None, Field(description="The lane that a vehicle counter counts.")] = None
    direction: Annotated[Direction | None, Field(description="Which way vehicles pass it.")] = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.lane is None) != (self.direction is None):
            raise PydanticCustomError("lane_direction", "a vehicle counter needs both lane and direction")
        return self

    def in_lanes(self) -> Sequence[InLane]:
        """The one that it counts."""
        return () if self.lane is None else (InLane(self.lane, self.direction, "lane"),)


class DistanceSettings(DeviceSettings):
    """Of a device that measures the distance to whatever is in front of it."""

    threshold_mm: Distance = Field(
        validation_alias=AliasChoices("threshold_mm", "occupied_below_mm"),
        description="A distance below this is a vehicle. May also be written `occupied_below_mm`.",
    )
    hysteresis_mm: Margin = Field(default=0, description="Distances closer than this to the threshold change nothing.")

    @model_validator(mode="after")
    def _within(self) -> Self:
        check_margin(self.threshold_mm, self.hysteresis_mm)
        return self

    def state(self, distance_mm: int) -> Literal["free", "occupied"] | None:
        """What `distance_mm` means; None where it is too close to the threshold to say."""
        return state_at(distance_mm, self.threshold_mm, self.hysteresis_mm)


def check_margin(threshold_mm: int, hysteresis_mm: int) -> None:
    """Raises PydanticCustomError for a margin in which no vehicle could ever be seen."""
    if hysteresis_mm >= threshold_mm:
        raise PydanticCustomError(
            "hysteresis", "hysteresis_mm must be less than threshold_mm: nothing would ever be near enough"
        )


def state_at(distance_mm: int, threshold_mm: int, hysteresis_mm: int) -> Literal["free", "occupied"] | None:
    """Occupied below the threshold, free from it on, neither within `hysteresis_mm` of it."""
    if distance_mm < threshold_mm - hysteresis_mm:
        return "occupied"
    if distance_mm >= threshold_mm + hysteresis_mm:
        return "free"
    return None
