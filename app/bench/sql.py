"""The statements of the benches: laying out a city in an empty database, reading the books, the baseline's table."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from app.bench.load import CAR_PARKS, OPERATOR, SPACES_EACH, car_park_id, space_label
from kernel.db import Tx

INSERT_OPERATOR = """
INSERT INTO registry.operator (id, name_zh, name_en, created_at) VALUES ($1, $1, $1, $2)"""

INSERT_CAR_PARKS = """
INSERT INTO registry.car_park (id, operator, name_zh, name_en, kind, lat, lon, time_zone, capacity,
                               created_at, updated_at)
SELECT id, $2, id, id, 'mall', 41.8, 123.4, 'Asia/Shanghai', $3, $4, $4 FROM unnest($1::text[]) AS id"""

INSERT_SPACES = """
INSERT INTO registry.space (car_park, label)
SELECT car_park, label FROM unnest($1::text[]) AS car_park, unnest($2::text[]) AS label"""

MAKE_RESERVABLE = """
UPDATE registry.car_park SET reservable = $1"""

ADD_POOL_DAYS = """
INSERT INTO reservation.pool_day (car_park, day, capacity, used)
SELECT car_park, $2::date + number, $4, array_fill(0::smallint, ARRAY[1440])
FROM unnest($1::text[]) AS car_park, generate_series(0, $3::int) AS number"""

CONFIRMED_OVER_HTTP = """
SELECT count(*) FROM reservation.reservation WHERE state = 'confirmed' AND driver LIKE 'driver-%'"""

AGREE_TO_PAY_LATER = """
INSERT INTO billing.agreement (id, driver, plate, color, channel, contract, state, created_at, updated_at)
SELECT 'agr_' || plate, 'driver-' || plate, plate, 'blue', $2, 'contract-' || plate, 'active', $3, $3
FROM unnest($1::text[]) AS plate"""

PUT_TARIFFS = """
INSERT INTO billing.tariff (id, car_park, number, document, valid_from, created_at, created_by)
SELECT 'tar_' || id, id, 1, $2, $3::timestamptz - interval '1 day', $3, 'bench' FROM unnest($1::text[]) AS id"""

VEHICLES_INSIDE = """
SELECT count(*) FROM billing.session WHERE state = 'open'"""

CHARGES_TO_COLLECT = """
SELECT count(*) FROM billing.charge JOIN billing.session ON session.id = charge.session
WHERE charge.state IN ('due', 'accepted') AND session.at_exit ->> 'way' = 'pay_later'"""

EVENTS_RECEIVED = """
SELECT COALESCE(sum(received), 0)::bigint FROM gateway.tally"""

EVENTS_IN_HISTORY = """
SELECT count(*) FROM occupancy.space_event WHERE at > $1 AND at <= $2"""

COMMITTED_OF = """
SELECT at FROM occupancy.space_event WHERE at = ANY ($1::timestamptz[])"""

DEAD_LETTERS_OF = """
SELECT COALESCE(sum(count), 0)::bigint FROM gateway.dead_letter WHERE last_seen_at > $1"""

CREATE_COPY_TARGET = """
CREATE SCHEMA bench;
CREATE TABLE bench.space_event (LIKE occupancy.space_event INCLUDING ALL);
CREATE TABLE bench.naive_event (car_park text NOT NULL, space text NOT NULL, state text NOT NULL,
                                at timestamptz NOT NULL, seq bigint NOT NULL, received_at timestamptz NOT NULL);"""

EMPTY_COPY_TARGET = """
TRUNCATE bench.space_event"""

READ_EVENTS = """
SELECT at, space, epoch, seq, state, battery, received_at FROM occupancy.space_event
WHERE at > $1 AND at <= $2 ORDER BY at"""

EVENT_COLUMNS = ("at", "space", "epoch", "seq", "state", "battery", "received_at")

Event = tuple[datetime, int, str, int, str, float | None, datetime]


async def lay_out_city(tx: Tx) -> None:
    """Register every car park and space of `app.bench.load`, before any process reads the registry."""
    car_parks = [car_park_id(index) for index in range(CAR_PARKS)]
    await tx.execute(INSERT_OPERATOR, OPERATOR, tx.now)
    await tx.execute(INSERT_CAR_PARKS, car_parks, OPERATOR, SPACES_EACH, tx.now)
    await tx.execute(INSERT_SPACES, car_parks, [space_label(index) for index in range(SPACES_EACH)])


async def agree_to_pay_later(tx: Tx, plates: Sequence[str], *, channel: str) -> None:
    """Each of the blue `plates` may leave first."""
    await tx.execute(AGREE_TO_PAY_LATER, plates, channel, tx.now)


async def put_tariffs(tx: Tx, car_parks: Sequence[str], document: dict[str, Any]) -> None:
    """`document` is the tariff of each."""
    await tx.execute(PUT_TARIFFS, car_parks, document, tx.now)


async def vehicles_inside(tx: Tx) -> int:
    """Whose stays are open."""
    return int(await tx.fetchval(VEHICLES_INSIDE))


async def charges_to_collect(tx: Tx) -> int:
    """Of vehicles that left first."""
    return int(await tx.fetchval(CHARGES_TO_COLLECT))


async def events_received(tx: Tx) -> int:
    """Events whose transaction has committed, by the gateway's own books."""
    return int(await tx.fetchval(EVENTS_RECEIVED))


async def events_in_history(tx: Tx, after: datetime, until: datetime) -> int:
    """Committed rows of one run, by counting them."""
    return int(await tx.fetchval(EVENTS_IN_HISTORY, after, until))


async def committed_of(tx: Tx, told: Sequence[datetime]) -> list[datetime]:
    """Those of the times `told` whose event is in the history."""
    return [row["at"] for row in await tx.fetch(COMMITTED_OF, told)]


async def dead_letters_since(tx: Tx, since: datetime) -> int:
    """How many refusals were kept."""
    return int(await tx.fetchval(DEAD_LETTERS_OF, since))


async def create_copy_target(tx: Tx) -> None:
    """A table equal to the history's: the same columns, key and storage. And one without a key, for the naive one."""
    await tx.execute(CREATE_COPY_TARGET)


async def empty_copy_target(tx: Tx) -> None:
    await tx.execute(EMPTY_COPY_TARGET)


async def read_events(tx: Tx, after: datetime, until: datetime) -> list[Event]:
    """The rows that a run left in the history, in the order of their making."""
    return [tuple(row) for row in await tx.fetch(READ_EVENTS, after, until)]


async def copy_events(tx: Tx, events: Iterable[Sequence[Any]]) -> None:
    """Raw COPY into the table of `create_copy_target`."""
    await tx.copy_records("space_event", schema="bench", columns=EVENT_COLUMNS, records=events)


def reservable_ids(car_parks: int) -> list[str]:
    """The car parks of `lay_out_reservable`."""
    return [f"bench-{number:03}" for number in range(car_parks)]


async def lay_out_reservable(tx: Tx, car_parks: int, spaces_each: int, reservable: int, days: int) -> None:
    """Car parks that promise `reservable` of their numbered spaces, and have promised something every day."""
    ids = reservable_ids(car_parks)
    await tx.execute(INSERT_OPERATOR, OPERATOR, tx.now)
    await tx.execute(INSERT_CAR_PARKS, ids, OPERATOR, spaces_each, tx.now)
    await tx.execute(MAKE_RESERVABLE, reservable)
    await tx.execute(ADD_POOL_DAYS, ids, tx.now.date(), days, reservable)
    await tx.execute(INSERT_SPACES, ids, [space_label(index) for index in range(spaces_each)])


async def confirmed_over_http(tx: Tx) -> int:
    """Confirmed reservations of drivers, without those of the baseline."""
    return int(await tx.fetchval(CONFIRMED_OVER_HTTP))
