"""What an operator says of one camera: a camera knows neither lane nor direction as we call them."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.ids import Label
from contracts.profiles import InLane, InLanes

OwnWord = Annotated[str, StringConstraints(min_length=1, max_length=32)]
Heading = Annotated[str, StringConstraints(min_length=1, max_length=32, to_lower=True)]
Offset = Annotated[str, StringConstraints(pattern=r"^[+-](0\d|1[0-4]):[0-5]\d$")]


class CameraSettings(BaseModel, InLanes):
    """Where a camera stands and which way those go whom it sees."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="settings")

    lane: Label | None = Field(default=None, description="Where it stands, as `passages` would name the lane.")
    direction: Literal["entry", "exit"] | None = Field(
        default=None, description="Which way everyone goes whom it sees, unless `directions` says another."
    )
    lanes: Annotated[dict[OwnWord, Label], Field(max_length=16)] = Field(
        default_factory=dict, description='By the camera\'s own number, where it sees several: `{"1": "E1"}`.'
    )
    directions: Annotated[dict[Heading, Literal["entry", "exit", "ignore"]], Field(max_length=16)] = Field(
        default_factory=dict,
        description='By its own word, where both ways lead past it: `{"forward": "entry", "reverse": "ignore"}`.',
    )
    utc_offset: Offset | None = Field(default=None, description="Of a camera that writes its time without: `+08:00`.")

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if self.lane is None and not self.lanes:
            raise ValueError("say in which `lane` the camera stands")
        if self.direction is None and not self.directions:
            raise ValueError("say in which `direction` those go whom it sees: entry or exit")
        return self

    def in_lanes(self) -> Sequence[InLane]:
        """All in which it sees somebody; which way is open where its own word for that decides."""
        way = None if self.directions else self.direction
        alone = () if self.lane is None else (InLane(self.lane, way, "lane"),)
        return (*alone, *(InLane(lane, way, f"lanes.{word}") for word, lane in self.lanes.items()))

    def zone(self) -> tzinfo | None:
        """`utc_offset` as a time zone."""
        return None if self.utc_offset is None else datetime.strptime(self.utc_offset, "%z").tzinfo
