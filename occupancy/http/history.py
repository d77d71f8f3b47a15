"""`GET /v1/car-parks/{car_park}/history`: the past as it came, or in steps with metrics."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from contracts.ids import CarParkId
from kernel.answers import dump
from kernel.db import Database
from kernel.http import Cursor, InvalidParameter, Moment, Raw, decode_cursor, encode_cursor, operation
from kernel.moments import wire_time
from occupancy.board import Board
from occupancy.errors import UnknownCarPark
from occupancy.history_reading import Window, read_steps
from occupancy.http.car_parks import entry_of
from occupancy.sql import reading as sql
from occupancy.steps import StepLength, steps_between

ROWS_MAX: Final = 100_000
"""A month of a busy car park, or a recording of a year, in one answer of some ten megabytes."""
STEPS_MAX: Final = 10_000
"""A hundred days by the quarter, a year by the hour."""
STEPS_WINDOW_MAX: Final = timedelta(days=400)
"""What is added up in one request: a year, of a car park that may have changed five thousand times a day."""
WINDOW_DEFAULT: Final = timedelta(days=1)


class Past(BaseModel):
    """The car park from `at` on, or in the step that begins at `at`.

    Raw: whole numbers as they came; `occupied` may exceed `capacity`. In steps: means weighted by time, with the
    metrics of the Curb Data Specification: `average_dwell_time` in minutes, `occupancy_percent` 0 to 100, `turnover`
    sessions an hour. All are over the time that the source was live, of which `live_share` says how much of the step
    it was (0 to 1). Where the source was offline the means are null and the metrics -1.
    """

    model_config = ConfigDict(frozen=True)

    at: datetime
    occupied: float | None
    capacity: int | None
    free: float | None
    total_sessions: int | None = Field(default=None, ge=-1)
    turnover: float | None = Field(default=None, ge=-1)
    average_dwell_time: float | None = Field(default=None, ge=-1)
    occupancy_percent: float | None = Field(default=None, ge=-1)
    live_share: float | None = Field(default=None, ge=0, le=1)


class PastPage(BaseModel):
    """In the order of time."""

    model_config = ConfigDict(frozen=True)

    items: list[Past]
    next: str | None = None


class HistoryApi:
    """Reads samples; writes nothing."""

    def __init__(self, database: Database, board: Board) -> None:
        self._database = database
        self._board = board

    @operation(
        get="/v1/car-parks/{car_park}/history",
        summary="The past of a car park",
        tags=("car parks",),
        responses={200: PastPage},
        problems=(UnknownCarPark,),
    )
    async def read(
        self,
        car_park: CarParkId,
        *,
        from_: Annotated[Moment | None, Field(description="Default: a day before `until`.")] = None,
        until: Annotated[Moment | None, Field(description="Not included. Default: now.")] = None,
        step: StepLength = StepLength.RAW,
        limit: Annotated[int, Field(ge=1, le=ROWS_MAX, description="Of raw rows.")] = ROWS_MAX,
        cursor: Cursor = None,
    ) -> Raw:
        """Raw: a row each time the numbers changed, in the time of the devices, and one for every count reported.

        In steps: [`from`, `until`) cut at the quarters, hours or midnights of the car park's own wall clock. So the
        first step begins at `from` and the last ends at `until`, and either may be shorter than the rest; a step that
        has not begun is not there. The source was offline in a step when it was live for less than half of it, in a
        day for less than a quarter (many counters are off at night): its means are null there and its metrics -1.
        """
        entry = await entry_of(self._board, car_park)
        end = until or self._database.clock.now() + timedelta(milliseconds=1)
        begin = from_ or end - WINDOW_DEFAULT
        if begin >= end:
            raise InvalidParameter.of("query", "from", "must be before `until`", wire_time(begin))
        window = Window(entry.id, begin, end)
        if step is StepLength.RAW:
            return await self._raw(window, limit, cursor)
        if cursor is not None:
            raise InvalidParameter.of("query", "cursor", "only raw rows come in pages")
        return await self._in_steps(window, step, ZoneInfo(entry.time_zone))

    async def _raw(self, window: Window, limit: int, cursor: str | None) -> Raw:
        after = (datetime.min.replace(tzinfo=UTC), -1)
        if cursor is not None:
            microseconds, number = decode_cursor(cursor, int, int)
            after = (_moment(microseconds), number)
        async with self._database.transaction(readonly=True) as tx:
            rows = await sql.samples(tx, window.car_park, window.begin, window.end, after=after, limit=limit + 1)
        items: list[dict[str, Any]] = []
        for place, (at, _, occupied, capacity, out_of_service) in enumerate(rows[:limit]):
            free = max(0, capacity - out_of_service - occupied)
            items.append({"at": wire_time(at), "occupied": occupied, "capacity": capacity, "free": free})
            if place % 5_000 == 4_999:
                await self._database.clock.sleep(0)  # others are served in between
        last = rows[limit - 1] if len(rows) > limit else None
        following = None if last is None else encode_cursor(_microseconds(last["at"]), last["number"])
        return Raw(dump({"items": items, "next": following}))

    async def _in_steps(self, window: Window, step: StepLength, zone: ZoneInfo) -> Raw:
        if window.end - window.begin > STEPS_WINDOW_MAX:
            raise InvalidParameter.of("query", "from", f"steps reach over {STEPS_WINDOW_MAX.days} days at most")
        cuts = list(islice(steps_between(window.begin, window.end, step, zone), STEPS_MAX + 1))
        if len(cuts) > STEPS_MAX:
            raise InvalidParameter.of(
                "query", "step", f"more than {STEPS_MAX} steps: ask for less time or longer steps"
            )
        async with self._database.transaction(readonly=True) as tx:
            steps = await read_steps(
                tx, window, cuts, gap=self._board.settings.offline_gap, live_share_min=step.live_share_min
            )
        items = [{field: getattr(one, field) for field in one.__struct_fields__} for one in steps]
        return Raw(dump({"items": items, "next": None}))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise InvalidParameter.of(
            "query", "cursor", "not a cursor of this list: use the `next` of the page before"
        ) from None
