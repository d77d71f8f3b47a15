"""What was refused can be looked at, mended and replayed, and the books stay right."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from gateway.errors import AlreadyReplayed, PayloadNotKept, UnknownCarPark, UnknownRejected
from gateway.forget import Forgotten, ForgottenMetrics, forget_dead_letters
from gateway.http.rejected import IngestTally, RejectedApi, RejectedView, ReplayView
from gateway.record import Handlers
from gateway.refusals import Reason
from gateway.settings import GatewaySettings
from kernel.callers import Caller
from kernel.clock import SystemClock
from kernel.db import Database
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from registry.sql import audit
from tests.conftest import Eventually
from tests.integration.gateway.conftest import CAR_PARK, OPERATOR, Books, Client, StartClient, StartGateway, register
from tests.integration.gateway.ordering import give, wanted

EVERYONES = Caller("operator", "key", frozenset({"operate"}), operators=None)
OURS = Caller("operator", "key", frozenset({"operate"}), operators=frozenset({OPERATOR}))
RIVALS = Caller("operator", "key", frozenset({"operate"}), operators=frozenset({"rival"}))
AT = "2026-11-20T08:00:00Z"


@pytest.fixture
def api(db: Database) -> RejectedApi:
    return RejectedApi(db, Handlers(Recorder(OccupancySettings()).record_facts), audit.record)


@pytest.fixture
async def device(start_gateway: StartGateway, start_client: StartClient) -> Client:
    await start_gateway()
    return await start_client("parking/v1/+/+/errors")


def event(label: str, seq: int = 1) -> dict[str, Any]:
    return {"space": label, "state": "occupied", "at": AT, "seq": seq}


async def refused(api: RejectedApi, caller: Caller = OURS, **filters: Any) -> list[RejectedView]:
    return list((await api.list(caller, **filters)).items)


async def replay(api: RejectedApi, db: Database, rejected: str, caller: Caller = OURS) -> ReplayView:
    async with db.transaction() as tx:
        return await api.replay(tx, caller, rejected)


async def test_the_answer_of_a_stranger_stays_refused_and_that_of_an_order_that_expired_is_late(
    api: RejectedApi, db: Database, device: Client, books: Books, eventually: Eventually
) -> None:
    await register(db, "mall-2", operator="rival")
    foreign = await give(db, wanted(cause="exit:1", car_park="mall-2"))
    for order in ("ord_nobody", foreign):
        device.say("acks", {"order": order, "ok": True, "at": AT})
    assert await eventually(lambda: books_are(books, received=2, dead=2))
    for kept in await refused(api):
        assert (await replay(api, db, kept.id)).outcome == "refused"
    assert {kept.reason for kept in await refused(api)} == {Reason.UNKNOWN_ORDER, Reason.FOREIGN_ORDER}
    async with db.transaction() as tx:  # the car park it was for changes hands, and its device spoke too early
        await tx.execute("UPDATE gateway.device_order SET car_park = 'mall-1', expires_at = given_at + interval '1 ms'")
    (kept,) = await refused(api, reason=Reason.FOREIGN_ORDER)
    replayed = await replay(api, db, kept.id)
    assert (replayed.outcome, replayed.late) == ("recorded", 1)
    assert await books_are(books, received=2, late=1, dead=1)


async def test_refused_events_are_recorded_once_the_cause_is_mended(
    api: RejectedApi, db: Database, device: Client, books: Books, eventually: Eventually
) -> None:
    message = {"events": [event("B1-1"), event("B1-25"), event("B1-26"), event("nowhere")]}
    for _ in range(3):
        device.say("spaces", message)
    assert await eventually(lambda: books_are(books, received=12, dead=9))
    (kept,) = await refused(api)
    assert (kept.reason, kept.count, kept.events, kept.payload_encoding) == ("unknown_space", 3, 3, "text")
    assert [one["space"] for one in msgspec.json.decode(kept.payload)["events"]] == ["B1-25", "B1-26", "nowhere"]
    assert (await replay(api, db, kept.id)).outcome == "refused"

    await register(db, spaces=30)
    replayed = await replay(api, db, kept.id)

    assert (replayed.outcome, replayed.stored, replayed.duplicate) == ("partly_recorded", 2, 0)
    assert [(one.reason, one.index) for one in replayed.refused] == [("unknown_space", 2)]
    assert await books() == {"received": 12, "stored": 3, "duplicate": 8, "late": 0, "dead": 1}
    (left,) = await refused(api)
    assert [one["space"] for one in msgspec.json.decode(left.payload)["events"]] == ["nowhere"]
    assert {one.id for one in await refused(api, replayed=True)} == {kept.id, left.id}
    assert await trail(db) == [
        {"outcome": "refused", "stored": 0, "duplicate": 0, "late": 0, "refused": {"unknown_space": 3}},
        {"outcome": "partly_recorded", "stored": 2, "duplicate": 0, "late": 0, "refused": {"unknown_space": 1}},
    ]
    with pytest.raises(AlreadyReplayed):
        await replay(api, db, kept.id)


async def trail(db: Database) -> list[dict[str, Any]]:
    """What the audit keeps of replays, oldest first."""
    async with db.transaction(readonly=True) as tx:
        rows = await tx.fetch("SELECT * FROM registry.audit WHERE action = 'rejected.replay' ORDER BY number")
    assert {(row["actor"], row["operator"]) for row in rows} <= {(OURS.principal, OPERATOR)}
    assert all(row["detail"].pop("topic").startswith("parking/v1/op/mall-1/") for row in rows)
    return [row["detail"] for row in rows]


async def books_are(books: Books, **expected: int) -> bool:
    found = await books()
    return all(found[name] == number for name, number in expected.items())


async def test_a_stranger_becomes_known_and_its_replay_enters_the_books(
    api: RejectedApi, db: Database, device: Client, books: Books, eventually: Eventually
) -> None:
    device.say("spaces", {"events": [event("B1-1"), event("B1-2")]}, car_park="late-1")
    await eventually(lambda: device.heard)
    await register(db, "late-1")
    (kept,) = await refused(api, car_park="late-1", reason=Reason.UNKNOWN_CAR_PARK)

    assert (await replay(api, db, kept.id)).stored == 2
    assert await books("late-1") == {"received": 2, "stored": 2, "duplicate": 0, "late": 0, "dead": 0}
    tally = await api.ingest(OURS, "late-1")
    assert isinstance(tally, IngestTally)
    assert (tally.received, tally.stored) == (2, 2)


async def test_everyone_sees_only_their_own(
    api: RejectedApi, db: Database, device: Client, eventually: Eventually
) -> None:
    device.say("spaces", event("nowhere"))
    device.say("spaces", event("B1-1"), operator="rival")
    await eventually(lambda: len(device.heard) == 2)

    assert [one.reason for one in await refused(api)] == ["unknown_space"]
    assert [one.reason for one in await refused(api, RIVALS)] == ["foreign_car_park"]
    assert len(await refused(api, EVERYONES)) == 2
    assert await refused(api, OURS, operator="rival") == []
    (ours,) = await refused(api)
    with pytest.raises(UnknownRejected):
        await replay(api, db, ours.id, RIVALS)
    with pytest.raises(UnknownRejected):
        await replay(api, db, "dl_" + "0" * 32)
    with pytest.raises(UnknownCarPark):
        await api.ingest(RIVALS, CAR_PARK)
    assert (await api.ingest(OURS, CAR_PARK)).dead == 1


async def test_pages_show_everything_once_newest_first(
    api: RejectedApi, device: Client, eventually: Eventually
) -> None:
    for number in range(7):
        device.say("spaces", event("nowhere", number))
    device.say("spaces", b"\xff\xfe")
    await eventually(lambda: len(device.heard) == 8)

    seen: list[RejectedView] = []
    cursor = None
    while True:
        page = await api.list(OURS, limit=3, cursor=cursor)
        seen += page.items
        cursor = page.next
        if cursor is None:
            break
    assert len({one.id for one in seen}) == len(seen) == 8
    assert [one.last_seen_at for one in seen] == sorted((one.last_seen_at for one in seen), reverse=True)
    assert {(one.payload, one.payload_encoding) for one in seen if one.reason is not Reason.UNKNOWN_SPACE} == {
        ("//4=", "base64")
    }


async def test_a_message_of_which_only_the_beginning_was_kept_cannot_be_replayed(
    api: RejectedApi, db: Database, device: Client, eventually: Eventually
) -> None:
    device.say("spaces", b" " * 1_100_000)
    await eventually(lambda: device.heard)
    (kept,) = await refused(api)
    assert (kept.payload_bytes, len(kept.payload)) == (1_100_000, 65_536)
    with pytest.raises(PayloadNotKept):
        await replay(api, db, kept.id)


async def test_the_oldest_are_forgotten_but_not_what_we_failed_to_store(
    api: RejectedApi, db: Database, device: Client, eventually: Eventually
) -> None:
    for number in range(20):
        device.say("spaces", event("nowhere", number))
    await eventually(lambda: len(device.heard) == 20)
    async with db.transaction() as tx:
        await tx.execute("UPDATE gateway.dead_letter SET reason = 'handler_failed' WHERE payload LIKE '%\"seq\":3}'")
        gone = await forget_dead_letters(tx, GatewaySettings(dead_letters_per_car_park_max=10))
    assert gone == Forgotten(aged=0, crowded_out=9, ours_crowded_out=0)
    left = [msgspec.json.decode(one.payload)["seq"] for one in await refused(api)]
    assert sorted(left) == [3, *range(10, 20)]

    async with db.transaction() as tx:
        await tx.execute("UPDATE gateway.dead_letter SET last_seen_at = $1", SystemClock().now() - timedelta(days=91))
        assert await forget_dead_letters(tx, GatewaySettings()) == Forgotten(11, 0, 0)


async def test_what_we_failed_to_store_has_a_limit_too_and_is_counted_when_it_goes(
    api: RejectedApi, db: Database, device: Client, eventually: Eventually
) -> None:
    for number in range(15):
        device.say("spaces", event("nowhere", number))
    await eventually(lambda: len(device.heard) == 15)
    settings = GatewaySettings(dead_letters_per_car_park_max=10, dead_letters_ours_per_car_park_max=12)
    async with db.transaction() as tx:
        await tx.execute("UPDATE gateway.dead_letter SET reason = 'database_refused'")
        forgotten = await forget_dead_letters(tx, settings)
    assert forgotten == Forgotten(0, 0, ours_crowded_out=3)
    registry = CollectorRegistry()
    ForgottenMetrics(registry).count(forgotten)
    counted = registry.get_sample_value("berth_gateway_dead_letters_forgotten_total", {"why": "ours_crowded_out"})
    assert counted == 3
    assert len(await refused(api)) == 12
