"""`GET /v1/live`: the city as it changes. First everything (`reset`), then only what changed (`delta`)."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from aiohttp import web
from pydantic import Field

from contracts.ids import CarParkId
from kernel.answers import dump
from kernel.clock import Clock
from kernel.http import operation
from kernel.operations import EVENT_STREAM
from kernel.sse import encode_event, sse
from occupancy.board import Board
from occupancy.card import Entry

LiveDistrict = Annotated[list[str], Field(description="Only the car parks of these districts.")]


class LiveApi:
    """Follows the board's stream for each reader; what goes to many is written once."""

    def __init__(self, board: Board, clock: Clock) -> None:
        self._board = board
        self._clock = clock
        self._written: dict[frozenset[str], bytes] = {}
        self._written_number = 0

    @operation(get="/v1/live", summary="Follow every change", tags=("live",), responses={200: EVENT_STREAM})
    async def follow(self, request: web.Request, district: LiveDistrict = []) -> web.StreamResponse:  # noqa: B006
        """Events `reset` (replace all you have) and `delta` (the last value wins), `data` `{"items": [availability]}`.

        A delta has `removed`, a list of ids, when car parks were taken out of the city or of the districts asked for.
        `id` is `<epoch>-<seq>`; with `Last-Event-ID` what was missed is given as one delta, or a reset when that is too
        long ago. A reader who is slow gets fewer and larger deltas, never old ones.
        """
        districts = frozenset(name.casefold() for name in district)
        board, stream = self._board, self._board.stream
        await board.catch_up()
        async with sse(request) as reader:
            number = stream.number_of(reader.last_event_id)
            while True:
                newer = None if number is None else stream.since(number)
                if number is None or newer is None:
                    number = stream.number
                    here = [car_park for car_park, entry in board.entries.items() if _in(entry, districts)]
                    await reader.write(self._event("reset", number, here))
                elif newer:
                    is_next, number = number == stream.number - 1, stream.number
                    event = self._latest(newer, districts) if is_next else self._delta(newer, districts)
                    if event:
                        await reader.write(event)
                await stream.beyond(number)
        return reader.response

    def _latest(self, newer: Iterable[CarParkId], districts: frozenset[str]) -> bytes:
        """The newest delta, written once for everybody who is up to date."""
        number = self._board.stream.number
        if self._written_number != number:
            self._written_number = number
            self._written.clear()
        if districts not in self._written:
            self._written[districts] = self._delta(newer, districts)
        return self._written[districts]

    def _delta(self, newer: Iterable[CarParkId], districts: frozenset[str]) -> bytes:
        """Nothing when nobody of these districts changed."""
        board = self._board
        here: list[CarParkId] = []
        removed: list[CarParkId] = []
        for car_park in newer:
            if _in(board.entries.get(car_park), districts):
                here.append(car_park)
            elif board.has_left(car_park, districts):
                removed.append(car_park)
        if not here and not removed:
            return b""
        return self._event("delta", board.stream.number, here, removed=removed)

    def _event(self, kind: str, number: int, here: Iterable[CarParkId], *, removed: Sequence[CarParkId] = ()) -> bytes:
        now_s = self._clock.now().timestamp()
        entries = self._board.entries
        items = b",".join(entries[car_park].availability_json(now_s) for car_park in here)
        also = b',"removed":' + dump(removed) if removed else b""
        data = b'{"items":[%s]%s}' % (items, also)
        return encode_event(data=data, event=kind, id=self._board.stream.id_of(number))


def _in(entry: Entry | None, districts: frozenset[str]) -> bool:
    return entry is not None and (not districts or entry.district_key in districts)
