"""`GET /v1/live`: the city as it changes. First everything (`reset`), then only what changed (`delta`)."""

from collections.abc import Iterable
from typing import Annotated

from aiohttp import web
from pydantic import Field

from contracts.ids import CarParkId
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
                    await reader.write(self._event("reset", number, board.entries, districts))
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
        entries = self._board.entries
        here = [car_park for car_park in newer if (entry := entries.get(car_park)) and _in(entry, districts)]
        return self._event("delta", self._board.stream.number, here, districts) if here else b""

    def _event(self, kind: str, number: int, car_parks: Iterable[CarParkId], districts: frozenset[str]) -> bytes:
        now_s = self._clock.now().timestamp()
        entries = self._board.entries
        items = [
            entries[car_park].availability_json(now_s) for car_park in car_parks if _in(entries[car_park], districts)
        ]
        data = b'{"items":[%s]}' % b",".join(items)
        return encode_event(data=data, event=kind, id=self._board.stream.id_of(number))


def _in(entry: Entry, districts: frozenset[str]) -> bool:
    return not districts or (entry.district or "").casefold() in districts
