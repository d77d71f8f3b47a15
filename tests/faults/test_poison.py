"""What no gateway should choke on, among good messages: every piece is refused with its reason, every good one kept."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import orjson
import pytest

from app.bench.publisher import Publisher
from app.processes import LOOPBACK
from contracts.wire import EVENTS_MAX, PAYLOAD_BYTES_MAX
from tests.faults.conftest import Record
from tests.faults.devices import encode
from tests.faults.ledger import Said
from tests.faults.site import Site

pytestmark = pytest.mark.timeout(300)

AT = "2026-11-01T08:00:00Z"


def bare(**instead: object) -> bytes:
    """One good event with something in it replaced or added."""
    return orjson.dumps({"space": "B1-000", "state": "free", "at": AT, **instead})


GOOD = bare()

POISON: dict[str, tuple[bytes, set[str]]] = {
    "empty": (b"", {"empty"}),
    "one brace": (b"{", {"malformed_json"}),
    "truncated": (GOOD[:-9], {"malformed_json"}),
    "not utf-8": (b'{"events":[{"space":"\xff\xfe","state":"free"}]}', {"not_utf8", "malformed_json"}),
    "lone surrogate": (b'{"space":"\\ud800","state":"free","at":"2026-11-01T08:00:00Z"}', {"malformed_json"}),
    "NUL in epoch": (bare(epoch="a\0"), {"forbidden_character"}),
    "NUL bytes": (b"\x00" * 64, {"malformed_json"}),
    "not a number": (f'{{"space":"B1-000","state":"free","at":"{AT}","battery":NaN}}'.encode(), {"malformed_json"}),
    "huge seq": (bare(seq=2**53 + 1), {"invalid_value"}),
    "nested": (b'{"events":' + b"[" * 100_000, {"malformed_json"}),
    "nested in a stranger": (b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}", {"malformed_json", "missing_field"}),
    "a list": (b"[1,2,3]", {"wrong_shape"}),
    "a number": (b"17", {"wrong_shape"}),
    "no state": (b'{"space":"B1-000","at":"2026-11-01T08:00:00Z"}', {"missing_field"}),
    "a state of its own": (bare(state="vacant"), {"unknown_state"}),
    "naive time": (bare(at="2026-11-01T08:00:00"), {"naive_time"}),
    "no time": (bare(at="yesterday"), {"invalid_time"}),
    "year 1": (bare(at="0001-01-01T00:00:00Z"), {"time_out_of_range"}),
    "year 1 in the east": (bare(at="0001-01-01T00:00:00+14:00"), {"time_out_of_range", "invalid_time"}),
    "unknown space": (bare(space="Z9-999"), {"unknown_space"}),
    "oversized": (b'{"events":[' + GOOD + b" " * PAYLOAD_BYTES_MAX + b"]}", {"oversized"}),
    "too many": (orjson.dumps({"events": [orjson.loads(GOOD)] * (EVENTS_MAX + 1)}), {"too_many_events"}),
}  # fmt: skip


@pytest.fixture
async def publisher(site: Site) -> AsyncIterator[Publisher]:
    await site.start()
    async with Publisher(LOOPBACK, site.broker_port, "poisoner", site.clock) as opened:
        yield opened


async def test_poison_among_good_messages(site: Site, publisher: Publisher, record: Record) -> None:
    for payload, reasons in POISON.values():
        for topic, good in site.devices.messages(20):
            await publisher.publish(topic, good)
        topic = site.devices.topic()
        site.devices.ledger.expect_refusal(topic, payload, *reasons)
        await publisher.publish(topic, payload)
    for topic, reason in (
        (site.devices.topic("nowhere"), "unknown_car_park"),
        (site.devices.topic(operator="somebody-else"), "foreign_car_park"),
    ):
        payload = GOOD
        site.devices.ledger.expect_refusal(topic, payload, reason)
        await publisher.publish(topic, payload)
    await publisher.acknowledged()
    record(await site.healed(), len(POISON) + 2)


async def test_one_bad_event_among_good_ones_of_the_same_message(site: Site, publisher: Publisher) -> None:
    at = site.clock.now() - timedelta(minutes=30)
    good = [Said("fault-0", f"B1-{space:03}", at, "b1", 1, "occupied") for space in range(10)]
    for said in good:
        site.devices.ledger.say(said)
    whole = orjson.loads(encode(good))
    bad = f'{{"space":"B1-003","state":"vacant","at":"{AT}"}}'.encode()
    parts = [orjson.dumps(event) for event in whole["events"]]
    payload = b'{"events":[' + b",".join([*parts[:5], bad, *parts[5:]]) + b"]}"
    kept = b'{"events":[' + bad + b"]}"  # a message again, so that it can be replayed by itself
    site.devices.ledger.expect_refusal(site.devices.topic(), kept, "unknown_state")
    await publisher.publish(site.devices.topic(), payload)
    await publisher.acknowledged()
    await site.healed()


async def test_a_row_that_only_the_database_refuses_is_found_by_bisection(site: Site, publisher: Publisher) -> None:
    """A constraint that the gateway knows nothing of stands for whatever the database may refuse one day."""
    connection = await asyncpg.connect(site.database_url)
    try:
        await connection.execute(
            "ALTER TABLE occupancy.space_event ADD CONSTRAINT a_surprise CHECK (epoch <> 'cursed')"
        )
    finally:
        await connection.close()
    for number in range(3):
        for topic, good in site.devices.messages(100):
            await publisher.publish(topic, good)
        cursed = f'{{"space":"B1-00{number}","state":"free","at":"{AT}","epoch":"cursed"}}'.encode()
        site.devices.ledger.expect_refusal(site.devices.topic("fault-1"), cursed, "database_refused")
        await publisher.publish(site.devices.topic("fault-1"), cursed)
    await publisher.acknowledged()
    await site.healed()
