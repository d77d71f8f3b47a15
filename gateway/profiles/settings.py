"""What an operator may set for one device; strict, so that a misspelt threshold is not one forgotten."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints

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
        default=None, description="How often it says its state at least; silent for longer, its space is `unknown`."
    )


class DistanceSettings(DeviceSettings):
    """Of a device that measures the distance to whatever is in front of it."""

    threshold_mm: Distance = Field(
        validation_alias=AliasChoices("threshold_mm", "occupied_below_mm"),
        description="A distance below this is a vehicle. May also be written `occupied_below_mm`.",
    )
    hysteresis_mm: Margin = Field(default=0, description="Distances closer than this to the threshold change nothing.")

    def state(self, distance_mm: int) -> Literal["free", "occupied"] | None:
        """What `distance_mm` means; None where it is too close to the threshold to say."""
        return state_at(distance_mm, self.threshold_mm, self.hysteresis_mm)


def state_at(distance_mm: int, threshold_mm: int, hysteresis_mm: int) -> Literal["free", "occupied"] | None:
    """Occupied below the threshold, free from it on, neither within `hysteresis_mm` of it."""
    if distance_mm < threshold_mm - hysteresis_mm:
        return "occupied"
    if distance_mm >= threshold_mm + hysteresis_mm:
        return "free"
    return None
