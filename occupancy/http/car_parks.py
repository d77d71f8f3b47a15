"""`GET /v1/car-parks`, one of them, its spaces: from the board, so they answer while the database is busy or away."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.availability import SpaceState
from contracts.ids import CarParkId
from contracts.near import InDatum, Near, parse_near
from contracts.positions import Datum
from kernel.clock import Clock
from kernel.db import Database
from kernel.http import Cursor, InvalidParameter, Page, Raw, decode_cursor, encode_cursor, operation
from occupancy.board import Board
from occupancy.card import CardPage, CarParkCard, Entry
from occupancy.errors import UnknownCarPark
from occupancy.http.find import Wanted, find, parse_bbox
from occupancy.sql import reading as sql

LIMIT_MAX: Final = 2_000
"""Three cities of cards: a page that still renders in a few milliseconds."""
LIMIT_DEFAULT: Final = 1_000
SPACES_MAX: Final = 10_000

Radius = Annotated[float | None, Field(gt=0, le=1_000_000, description="Only this close to `near`.")]
BBox = Annotated[
    str | None,
    Field(
        max_length=128,
        description="`west,south,east,north` in degrees, edges included (in China also south,west,north,east).",
    ),
]
Words = Annotated[
    str | None, Field(max_length=100, description="Words of the name in either language, the id or the address.")
]
MinFree = Annotated[
    int | None,
    Field(ge=0, le=100_000, description="At least this `free`, and never a car park that is stale, unknown or closed."),
]
MinQuality = Annotated[
    int | None, Field(ge=0, le=100, description="At least this `quality`, and never a car park that is not rated.")
]


class SpaceNow(BaseModel):
    """One space. `at` is null and `state` unknown when it never reported; a `stale` one counts as free nowhere.

    `doubt` says why `state` is not the sensor's last word: `silent` (past its heartbeat, so unknown) or `flapping` (the
    state that held before is told until the sensor is quiet); absent otherwise.
    """

    model_config = ConfigDict(frozen=True)

    space: str
    zone: str | None
    state: SpaceState
    at: datetime | None
    stale: bool
    doubt: Annotated[Literal["silent", "flapping"] | None, Field(exclude_if=lambda doubt: doubt is None)] = None


class CarParksApi:
    """Cards from the board, spaces from SQL."""

    def __init__(self, database: Database, board: Board) -> None:
        self._database = database
        self._clock: Clock = database.clock
        self._board = board

    @operation(
        get="/v1/car-parks",
        summary="Find car parks",
        tags=("car parks",),
        responses={200: CardPage},
        etag=True,
    )
    async def find(
        self,
        *,
        near: Near = None,
        radius_m: Radius = None,
        bbox: BBox = None,
        district: list[str] = [],  # noqa: B006 - never changed
        kind: list[str] = [],  # noqa: B006 - never changed
        q: Words = None,
        min_free: MinFree = None,
        min_quality: MinQuality = None,
        limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
        cursor: Cursor = None,
        datum: InDatum = Datum.WGS84,
    ) -> Raw:
        """Cards that fit everything asked for, nearest first when `near` is given, by id otherwise."""
        if radius_m is not None and near is None:
            raise InvalidParameter.of("query", "radius_m", "needs `near`: write near=lat,lon as well")
        wanted = Wanted(
            near=None if near is None else parse_near(near, datum),
            radius_m=radius_m,
            box=None if bbox is None else parse_bbox(bbox, datum),
            districts=frozenset(name.casefold() for name in district),
            kinds=frozenset(name.casefold() for name in kind),
            words=tuple((q or "").casefold().split()),
            min_free=min_free,
            min_quality=min_quality,
        )
        after = (-1, "") if cursor is None else decode_cursor(cursor, int, str)
        await self._board.catch_up()
        found = [one for one in find(self._board.entries.values(), wanted) if one.place > after]
        shown = found[:limit]
        following = encode_cursor(*shown[-1].place) if len(found) > limit else None
        now_s = self._clock.now().timestamp()
        cards = [one.entry.card_json(now_s, datum, one.distance_m) for one in shown]
        body = b'{"items":[%s],"next":%s}' % (b",".join(cards), _quoted(following))
        return Raw(body, headers=self._validator([one.entry for one in shown], datum, near, following))

    @operation(
        get="/v1/car-parks/{car_park}",
        summary="One car park",
        tags=("car parks",),
        responses={200: CarParkCard},
        problems=(UnknownCarPark,),
        etag=True,
    )
    async def one(self, car_park: CarParkId, datum: InDatum = Datum.WGS84) -> Raw:
        """The card of one car park, with the reasons for its quality."""
        entry = await entry_of(self._board, car_park)
        body = entry.card_json(self._clock.now().timestamp(), datum, None, reasons=True)
        return Raw(body, headers=self._validator([entry], datum, None, None))

    @operation(
        get="/v1/car-parks/{car_park}/spaces",
        summary="The spaces of a car park",
        tags=("car parks",),
        responses={200: Page[SpaceNow]},
        problems=(UnknownCarPark,),
    )
    async def spaces(
        self,
        car_park: CarParkId,
        zone: Annotated[str | None, Field(max_length=32)] = None,
        limit: Annotated[int, Field(ge=1, le=SPACES_MAX)] = SPACES_MAX,
        cursor: Cursor = None,
    ) -> Page[SpaceNow]:
        """Every numbered space with its state; one that never reported is `unknown` with `at` null."""
        entry = await entry_of(self._board, car_park)
        after = 0 if cursor is None else decode_cursor(cursor, int)[0]
        settings = self._board.settings
        async with self._database.transaction(readonly=True) as tx:
            rows = await sql.spaces(tx, entry.id, zone=zone, after=after, limit=limit + 1)
        whole_stale = entry.availability.stale
        oldest = tx.now - settings.space_stale_after
        items = [
            SpaceNow(
                space=row["label"],
                zone=row["zone"],
                state=SpaceState(row["state"] or "unknown"),
                at=row["at"],
                stale=row["at"] is not None and (whole_stale or row["at"] < oldest or row["doubt"] == "silent"),
                doubt=row["doubt"],
            )
            for row in rows[:limit]
        ]
        return Page(items=items, next=encode_cursor(rows[limit - 1]["number"]) if len(rows) > limit else None)

    def _validator(self, entries: Sequence[Entry], *asked: object) -> dict[str, str]:
        """A weak validator: the same cards and numbers, whatever their age."""
        told = [(entry.id, entry.availability.version, entry.availability.stale, entry.quality) for entry in entries]
        said = repr((self._board.cards_version, self._board.stream.epoch, asked, told))
        return {
            "ETag": f'W/"{hashlib.blake2b(said.encode(), digest_size=12).hexdigest()}"',
            "Cache-Control": "no-cache",
        }


async def entry_of(board: Board, car_park: CarParkId) -> Entry:
    """The entry of `car_park`, which may have been registered a moment ago. Raises UnknownCarPark."""
    await board.catch_up()
    entry = board.entries.get(car_park)
    if entry is None:
        raise UnknownCarPark(f"there is no car park {str(car_park)[:64]!r}", car_park=str(car_park)[:64])
    return entry


def _quoted(text: str | None) -> bytes:
    return b"null" if text is None else b'"' + text.encode() + b'"'
