"""A car park's row in memory: what its sources add up to, the truth, and what was last told of it."""

from datetime import datetime

from msgspec import Struct

from contracts.availability import CarParkState, Source
from contracts.ids import CarParkId
from occupancy.fusion import Truth
from occupancy.sources import Passages, SpaceSums


class Standing(Struct):
    """One row of `occupancy.car_park_state`, changed by the verb that holds its lock."""

    car_park: CarParkId
    spaces: SpaceSums
    passages: Passages
    online: bool | None
    online_at: datetime | None
    occupied: int | None
    capacity: int
    out_of_service: int
    unknown: int
    source: Source | None
    as_of: datetime | None
    sampled_at: datetime | None
    promised: int
    trend: int | None
    state: CarParkState
    stale: bool
    told_as_of: datetime | None
    version: int
    doubted: int = 0
    heard_at: datetime | None = None
    online_said_at: datetime | None = None
    noticed_at: datetime | None = None
    words: int = 0
    jumps: int = 0
    never_heard: int = 0

    @property
    def free(self) -> int | None:
        """The one honest number; None when nothing was ever heard."""
        if self.occupied is None:
            return None
        return max(0, self.capacity - self.out_of_service - self.occupied - self.promised)

    @property
    def numbers(self) -> tuple[int, int, int] | None:
        """The numbers of the newest sample; None when nothing was ever heard."""
        return None if self.occupied is None else (self.occupied, self.capacity, self.out_of_service)

    @property
    def told(self) -> tuple[object, ...]:
        """Everything whose change is worth a message, that is all but the age."""
        return (
            self.state,
            self.stale,
            self.occupied,
            self.capacity,
            self.out_of_service,
            self.unknown,
            self.never_heard,
            self.promised,
            self.source,
            self.trend,
            self.online,
        )

    def expect(self, capacity: int) -> None:
        """As long as nothing was ever heard: of `capacity` spaces not one is known."""
        if self.occupied is None:
            self.capacity = self.unknown = self.never_heard = capacity

    def believe(self, truth: Truth | None) -> None:
        """Take over what fusion decided; what was known is kept when there is nothing new."""
        if truth is None:
            return
        self.occupied, self.capacity, self.out_of_service = truth.numbers
        self.unknown, self.never_heard = truth.unknown, truth.never_heard
        self.source = truth.source
        self.as_of = truth.as_of
