"""From a device's message to the database, the public topic and back to the device that sent nonsense."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from app.embedded import EmbeddedBroker
from contracts.facts import Facts, PassageSeen, Recorded
from gateway.address import ProtocolVersion
from kernel.clock import SystemClock
from kernel.db import Database, Tx
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.conftest import Eventually
from tests.integration.gateway.conftest import (
    CAR_PARK,
    OPERATOR,
    Books,
    StartClient,
    StartGateway,
    books_are,
    now,
    register,
)
from tests.mosquitto import Mosquitto


def space(label: str = "B1-1", state: str = "occupied", **more: object) -> dict[str, object]:
    return {"space": label, "state": state, "at": now(-1), **more}


async def space_states(db: Database) -> dict[str, str]:
    async with db.transaction() as tx:
        rows = await tx.fetch(
            """SELECT label, state FROM occupancy.space_now
               JOIN registry.space_directory ON space_directory.number = space_now.space"""
        )
    return {row["label"]: row["state"] for row in rows}


async def dead_letters(db: Database) -> list[dict[str, object]]:
    async with db.transaction() as tx:
        return [dict(row) for row in await tx.fetch("SELECT * FROM gateway.dead_letter ORDER BY reason")]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_an_event_reaches_the_database_and_the_public_topic(
    protocol: ProtocolVersion,
    db: Database,
    broker: EmbeddedBroker,
    start_gateway: StartGateway,
    start_client: StartClient,
    books: Books,
    eventually: Eventually,
) -> None:
    url = broker.url_v5 if protocol == "5" else broker.url
    gateway = await start_gateway(protocol=protocol, broker_url=url)
    device = await start_client(f"parking/v1/public/{CAR_PARK}", protocol=protocol)

    device.say("spaces", space())
    device.say("spaces", {"events": [space("B1-2"), space("B1-3", "free")]})

    await eventually(lambda: device.heard)
    assert await eventually(lambda: books_are(books, received=3))
    assert await space_states(db) == {"B1-1": "occupied", "B1-2": "occupied", "B1-3": "free"}
    await eventually(lambda: gateway.link.unacknowledged == 0)
    public = await start_client(f"parking/v1/public/{CAR_PARK}", protocol=protocol, client_id="late")
    await eventually(lambda: public.heard)
    assert public.said(CAR_PARK)[0]["car_park"] == CAR_PARK


async def test_the_good_events_of_a_message_are_kept_and_each_bad_one_is_told(
    db: Database, start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    await start_gateway()
    device = await start_client(f"parking/v1/{OPERATOR}/{CAR_PARK}/errors")
    payload = msgspec.json.encode(
        {
            "events": [
                space("B1-1"),
                space("nowhere"),
                space("B1-2", "vacant"),
                space("B1-3") | {"at": "2026-11-23T08:00:00"},
                space("B1-4", "free"),
            ]
        }
    )

    device.say("spaces", payload)

    told = await eventually(lambda: len(device.heard) == 3 and device.said("errors"))
    assert {(error["reason"], error["index"]) for error in told} == {
        ("unknown_space", 1),
        ("unknown_state", 2),
        ("naive_time", 3),
    }
    assert {error["sha256"] for error in told} == {hashlib.sha256(payload).hexdigest()}
    assert await space_states(db) == {"B1-1": "occupied", "B1-4": "free"}
    assert await books() == {"received": 5, "stored": 2, "duplicate": 0, "late": 0, "dead": 3}
    assert [letter["reason"] for letter in await dead_letters(db)] == ["naive_time", "unknown_space", "unknown_state"]


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        ("spaces", b"", "empty"),
        ("spaces", b'{"events":[', "malformed_json"),
        ("spaces", b"[" * 100_000, "wrong_shape"),
        ("spaces", b'{"space":"\xff"}', "not_utf8"),
        ("spaces", b" " * (1024 * 1024 + 1), "oversized"),
        ("spaces", b" " * (3 * 1024 * 1024), "oversized"),
        ("counts", b'{"counts":[{"free":-1,"at":"2026-01-01T00:00:00Z"}]}', "negative_number"),
        ("counts", b'{"free":101,"at":"2026-01-01T00:00:00Z"}', "free_over_capacity"),
        ("passages", b'{"id":"p","lane":"X9","direction":"exit","at":"2026-01-01T00:00:00Z"}', "unknown_lane"),
        ("status", b'{"online":"yes","at":"2026-01-01T00:00:00Z"}', "invalid_value"),
        ("acks", b'{"order":"ord_1","ok":true,"at":"2026-01-01T00:00:00Z"}', "unknown_order"),
        ("rumours", b"{}", "unknown_topic"),
    ],
)
async def test_nonsense_is_refused_with_a_reason_and_the_line_goes_on(
    kind: str,
    payload: bytes,
    reason: str,
    db: Database,
    mosquitto: Mosquitto,
    start_gateway: StartGateway,
    start_client: StartClient,
    eventually: Eventually,
) -> None:
    await start_gateway(broker_url=mosquitto.url)
    device = await start_client(f"parking/v1/{OPERATOR}/{CAR_PARK}/errors", url=mosquitto.url)

    device.say(kind, payload)
    device.say("spaces", space())

    told = await eventually(lambda: device.said("errors"))
    assert told[0]["reason"] == reason
    assert told[0]["topic"] == f"parking/v1/{OPERATOR}/{CAR_PARK}/{kind}"
    assert await eventually(lambda: space_states(db)) == {"B1-1": "occupied"}
    letters = await dead_letters(db)
    assert [(letter["reason"], letter["payload_bytes"]) for letter in letters] == [(reason, len(payload))]


async def test_a_stranger_and_a_foreigner_are_refused_without_books(
    db: Database, start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    await register(db, "other-1", operator="rival")
    await start_gateway()
    device = await start_client("parking/v1/+/+/errors")

    device.say("spaces", space(), car_park="nobody")
    device.say("spaces", space(), car_park="other-1")
    device.say("spaces", space(), operator="rival")

    told = await eventually(lambda: len(device.heard) == 3 and device.said("errors"))
    assert [error["reason"] for error in told] == ["unknown_car_park", "foreign_car_park", "foreign_car_park"]
    assert await books("other-1") == await books("nobody") == await books() == dict.fromkeys(await books(), 0)


async def test_what_was_registered_a_moment_ago_may_speak_at_once(
    db: Database, start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    await start_gateway(directory_poll_s=3600)
    device = await start_client("parking/v1/+/+/errors")

    for number in range(5):
        await register(db, f"new-{number}")
        device.say("spaces", space(), car_park=f"new-{number}")
        await register(db, f"new-{number}", spaces=30)
        device.say("spaces", space("B1-30"), car_park=f"new-{number}")

    async def all_stored() -> bool:
        return [(await books(f"new-{number}"))["stored"] for number in range(5)] == [2] * 5

    assert await eventually(all_stored)
    assert not device.heard


async def test_a_clock_in_the_future_is_clamped_to_the_time_of_receipt(
    db: Database, start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    await start_gateway()
    device = await start_client()
    device.say("spaces", space() | {"at": now(3600)})
    assert await eventually(lambda: books_are(books, stored=1))
    async with db.transaction() as tx:
        seen = await tx.fetchrow("SELECT at, received_at FROM occupancy.space_state")
    assert seen is not None
    assert seen["at"] == seen["received_at"]
    assert SystemClock().now() - seen["at"] < timedelta(seconds=30)


async def test_one_message_that_a_handler_refuses_does_not_stop_the_others(
    db: Database, start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    async def stumble(tx: Tx, passages: Sequence[PassageSeen]) -> None:
        await tx.execute("SELECT 1")
        if any(passage.id == "p-13" for passage in passages):
            raise ValueError("this one I do not like")

    await start_gateway(on_passage=[stumble], linger_ms=300)
    device = await start_client(f"parking/v1/{OPERATOR}/{CAR_PARK}/errors")
    for number in range(40):
        device.say("passages", {"id": f"p-{number}", "lane": "E1", "direction": "entry", "at": now(-1)})

    assert await eventually(lambda: books_are(books, received=40))
    assert await books() == {"received": 40, "stored": 39, "duplicate": 0, "late": 0, "dead": 1}
    assert [error["reason"] for error in await eventually(lambda: device.said("errors"))] == ["handler_failed"]


async def test_one_message_that_the_database_refuses_does_not_stop_the_others(
    db: Database, start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    record = Recorder(OccupancySettings()).record_facts

    async def fussy(tx: Tx, facts: Facts) -> Recorded:
        for fact in facts.spaces:
            await tx.fetchval("SELECT 1 / $1::integer", fact.seq)
        return await record(tx, facts)

    await start_gateway(record_facts=fussy, linger_ms=300)
    device = await start_client()
    for number in range(30):
        device.say("spaces", space(f"B1-{number % 20 + 1}", seq=0 if number in (7, 8, 21) else number + 1))

    assert await eventually(lambda: books_are(books, received=30))
    assert await books() == {"received": 30, "stored": 27, "duplicate": 0, "late": 0, "dead": 3}
    assert {letter["reason"] for letter in await dead_letters(db)} == {"database_refused"}


async def test_a_batch_that_the_database_undid_for_another_is_stored_at_once(
    start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    record = Recorder(OccupancySettings()).record_facts
    undone = 0

    async def unlucky(tx: Tx, facts: Facts) -> Recorded:
        nonlocal undone
        undone += 1
        if undone <= 20:
            await tx.execute("DO $$ BEGIN RAISE deadlock_detected; END $$")
        return await record(tx, facts)

    gateway = await start_gateway(record_facts=unlucky)
    device = await start_client()
    device.say("spaces", space())
    assert await eventually(lambda: books_are(books, stored=1))
    assert undone == 21
    assert not gateway.ingest.database_away


async def test_the_same_event_twice_is_counted_as_a_duplicate(
    start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    await start_gateway()
    device = await start_client()
    event = space(seq=1, epoch="boot")
    for _ in range(3):
        device.say("spaces", event)
    assert await eventually(lambda: books_are(books, received=3))
    assert await books() == {"received": 3, "stored": 1, "duplicate": 2, "late": 0, "dead": 0}
