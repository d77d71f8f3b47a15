"""The one availability object: the same on the REST card, in the live stream and on the public MQTT topic."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.ids import Slug

Source = Literal["spaces", "counts", "passages"]


class SpaceState(StrEnum):
    """What a space is known to be; `unknown` is never shown as free."""

    FREE = "free"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"
    OUT_OF_SERVICE = "out_of_service"


class CarParkState(StrEnum):
    """What a driver is told in one word; `unknown` also when the data is stale."""

    OPEN = "open"
    ALMOST_FULL = "almost_full"
    FULL = "full"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Availability(BaseModel):
    """How many spaces are free, how we know, and how old the knowledge is.

    `free = max(0, capacity - out_of_service - occupied - promised)`. `out_of_service` includes spaces whose sensor says
    that it does not know. `unknown` counts these and the spaces `never_heard` of, which the formula leaves in `free`:
    whoever adds it up takes them off, and where `unknown` is great, `state` is `unknown` and the car park
    counts as free nowhere. A counter and the lanes know the whole car park: both are 0 there.
    `overfull`: more cars were reported than there are spaces; the number is kept as it was reported.
    `occupied`, `free`, `as_of`, `age_s` and `source` are null as long as the car park never reported. When `stale`,
    the numbers are the last ones known and `state` is `unknown`: such a car park counts as free nowhere. `trend` is
    the change of `free` over 15 minutes. `online` is the word of the car park's own gateway, null when it never said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    car_park: Slug
    state: CarParkState
    capacity: int = Field(ge=0)
    out_of_service: int = Field(default=0, ge=0)
    unknown: int = Field(default=0, ge=0)
    never_heard: int = Field(default=0, ge=0, description="Spaces in `free` that nobody has heard of.")
    occupied: int | None = Field(ge=0)
    overfull: bool = Field(default=False, description="More cars were reported than there are spaces.")
    promised: int = Field(ge=0)
    free: int | None = Field(ge=0)
    as_of: AwareDatetime | None
    age_s: int | None = Field(ge=0)
    stale: bool
    source: Source | None
    trend: int | None
    online: bool | None = None
    version: int = Field(ge=0)

    @property
    def countable(self) -> int | None:
        """Spaces known to be free: of `free` without those never heard of."""
        return None if self.free is None else max(0, self.free - self.never_heard)

    def seen_at(self, now: datetime, *, stale_after: timedelta) -> "Availability":
        """The same knowledge looked at `now`: its age, and whether it has gone stale meanwhile."""
        if self.as_of is None:
            return self
        age = max(now - self.as_of, timedelta(0))
        stale = self.stale or age > stale_after
        state = CarParkState.UNKNOWN if stale and self.state is not CarParkState.CLOSED else self.state
        trend = None if stale else self.trend
        seen = {"age_s": int(age.total_seconds()), "stale": stale, "state": state, "trend": trend}
        return self.model_copy(update=seen)
