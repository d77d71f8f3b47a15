"""The oracle itself: it must be able to say no, or its yes is worth nothing."""

from datetime import UTC, datetime

import asyncpg
import pytest

from tests.faults.devices import register
from tests.faults.ledger import Ledger, Said
from tests.faults.oracle import judge

_AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
_FIRST = Said("fault-0", "B1-000", _AT, "b1", 1, "free")
_SECOND = Said("fault-0", "B1-000", _AT, "b1", 2, "occupied")


@pytest.fixture
async def honest(database_url: str) -> tuple[str, Ledger]:
    """A database that tells the truth about a ledger of two events."""
    await register(database_url)
    ledger = Ledger()
    ledger.say(_FIRST)
    ledger.say(_SECOND)
    await _run(
        database_url,
        """
        INSERT INTO occupancy.space_event (at, space, epoch, seq, state, received_at)
        SELECT '2026-11-23T08:00Z', number, 'b1', seq, state, now()
        FROM registry.space, (VALUES (1, 'free'), (2, 'occupied')) AS said (seq, state)
        WHERE car_park = 'fault-0' AND label = 'B1-000';
        INSERT INTO occupancy.space_state (space, car_park, state, at, epoch, seq, received_at)
        SELECT number, car_park, 'occupied', '2026-11-23T08:00Z', 'b1', 2, now()
        FROM registry.space WHERE car_park = 'fault-0' AND label = 'B1-000';
        INSERT INTO occupancy.car_park_state (car_park, capacity, spaces_occupied) VALUES ('fault-0', 40, 1);
        INSERT INTO gateway.tally (car_park, received, stored, last_received_at) VALUES ('fault-0', 2, 2, now());
        """,
    )
    return database_url, ledger


async def test_the_truth_is_clean(honest: tuple[str, Ledger]) -> None:
    verdict = await judge(*honest)
    assert verdict.clean, verdict


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("DELETE FROM occupancy.space_event WHERE seq = 1", "lost"),
        (
            "INSERT INTO occupancy.space_event SELECT at, space, epoch, 3, state, battery, received_at"
            " FROM occupancy.space_event WHERE seq = 1",
            "invented",
        ),
        ("UPDATE occupancy.space_state SET state = 'free', seq = 1", "wrong"),
        ("UPDATE occupancy.car_park_state SET spaces_occupied = 2", "wrong"),
        ("UPDATE gateway.tally SET received = 3, stored = 3", "unbalanced"),
        ("UPDATE gateway.tally SET received = 1, stored = 1", "unbalanced"),
        ("UPDATE gateway.tally SET received = 3, dead = 1", "unbalanced"),
        (
            "INSERT INTO gateway.dead_letter (id, topic, reason, detail, payload, payload_bytes, sha256,"
            " message_sha256, events, booked, codec, first_seen_at, last_seen_at, count)"
            " VALUES ('x', 't', 'unknown_space', '', '', 0, 'abc', 'abc', 1, false, '1', now(), now(), 1)",
            "unexplained",
        ),
    ],
)
async def test_damage_is_seen(honest: tuple[str, Ledger], damage: str, fault: str) -> None:
    database_url, ledger = honest
    await _run(database_url, damage)
    assert getattr(await judge(database_url, ledger), fault)


async def test_a_refusal_that_left_no_letter_is_seen(honest: tuple[str, Ledger]) -> None:
    database_url, ledger = honest
    ledger.expect_refusal("parking/v1/x/y/spaces", b"{", "malformed_json")
    assert (await judge(database_url, ledger)).unexplained


async def test_the_newest_word_wins_whatever_the_order_of_telling() -> None:
    ledger = Ledger()
    for said in (_SECOND, _FIRST, _FIRST):
        ledger.say(said)
    assert ledger.newest() == {("fault-0", "B1-000"): _SECOND}
    assert (ledger.events, len(ledger.distinct)) == (3, 2)


async def _run(database_url: str, statements: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
