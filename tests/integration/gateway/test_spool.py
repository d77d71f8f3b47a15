"""Cameras that post: kept before they are answered, recorded once, whatever happens in between."""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from contracts.availability import Availability
from contracts.facts import Facts, PassageSeen, Recorded
from gateway.metrics import GatewayMetrics
from gateway.record import Handlers
from gateway.spool import SpoolWork
from kernel.db import Database, Tx
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.integration.gateway.conftest import Books, now
from tests.integration.gateway.site import Answer, Site, running_site

DATA = Path(__file__).resolve().parents[2] / "data" / "cameras"
CAMERA = "cam-entry"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 400 + b"\r\n--not-the-boundary\r\n\xff\xd9"
_plates = itertools.count(10_000)


@pytest.fixture
async def site(db: Database) -> AsyncIterator[Site]:
    await add_camera(db)
    async with running_site(db) as running:
        yield running


async def add_camera(db: Database, device: str = CAMERA, **settings: Any) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            """INSERT INTO registry.device (id, operator, profile, car_park, settings, updated_at)
               VALUES ($1, 'op', 'hikvision-isapi', 'mall-1', $2, now())""",
            device,
            settings or {"lane": "E1", "direction": "entry"},
        )
        await tx.execute("UPDATE registry.revision SET value = value + 1")


def event(plate: str | None = None, *, at: str | None = None) -> bytes:
    """An event of a vehicle nobody saw before."""
    text = (DATA / "hikvision_entry.xml").read_text()
    text = text.replace("辽A12345", plate or f"辽A{next(_plates)}").replace("2026-11-23T15:59:50+08:00", at or now(-5))
    return text.encode()


def form(xml: bytes, *pictures: bytes, name: str = "anpr.xml") -> dict[str, Any]:
    """The request of a camera that sends pictures along."""
    mark = b"MIME_boundary"
    parts = [b'Content-Disposition: form-data; name="%s"\r\nContent-Type: text/xml\r\n\r\n%s' % (name.encode(), xml)]
    parts += [
        b'Content-Disposition: form-data; name="p.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' + one for one in pictures
    ]
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + mark + b"--\r\n"
    return {"raw": body, "headers": {"Content-Type": "multipart/form-data; boundary=MIME_boundary"}}


async def post(site: Site, key: str, xml: bytes, *pictures: bytes, device: str = CAMERA) -> Answer:
    return await site.send("POST", f"/v1/ingest/hikvision/{device}/{key}", **form(xml, *pictures))


def metrics() -> GatewayMetrics:
    return GatewayMetrics(CollectorRegistry())


class Work:
    """The loop of the gateway's process, step by step."""

    def __init__(self, db: Database, *, on_passage: Any = ()) -> None:
        self.published: list[Availability] = []
        handlers = Handlers(Recorder(OccupancySettings()).record_facts, on_passage)
        self.step = SpoolWork(db, handlers, self._publish, metrics()).step

    def _publish(self, availabilities: Sequence[Availability]) -> None:
        self.published += availabilities


async def passages(db: Database) -> list[Any]:
    async with db.transaction() as tx:
        return await tx.fetch("SELECT * FROM occupancy.passage ORDER BY received_at, id")


async def waiting(db: Database) -> int:
    async with db.transaction() as tx:
        return int(await tx.fetchval("SELECT count(*) FROM gateway.spool"))


async def letters(db: Database) -> list[Any]:
    async with db.transaction() as tx:
        return await tx.fetch("SELECT * FROM gateway.dead_letter ORDER BY id")


async def test_an_event_is_kept_and_then_a_passage(site: Site, db: Database, books: Books) -> None:
    key = await site.issue("op", device=CAMERA)
    answer = await post(site, key, event("辽A12345"), JPEG, JPEG)
    assert answer.status == 200, answer.raw
    assert await waiting(db) == 1
    work = Work(db)
    await work.step()
    (passage,) = await passages(db)
    assert (passage["lane"], passage["direction"], passage["plate"]) == ("E1", "entry", "辽A12345")
    assert (passage["color"], passage["vehicle_class"]) == ("blue", "small")
    assert passage["confidence"] == pytest.approx(0.97)
    assert await waiting(db) == 0
    assert await books() == {"received": 1, "stored": 1, "duplicate": 0, "late": 0, "dead": 0}
    assert [availability.car_park for availability in work.published] == ["mall-1"]


async def test_a_repeated_event_is_one_passage(site: Site, db: Database, books: Books) -> None:
    key = await site.issue("op", device=CAMERA)
    xml = event()
    for _ in range(3):
        await post(site, key, xml)
    await Work(db).step()
    assert len(await passages(db)) == 1
    assert await books() == {"received": 3, "stored": 1, "duplicate": 2, "late": 0, "dead": 0}


async def test_a_crash_between_keeping_and_recording_loses_and_doubles_nothing(
    site: Site, db: Database, books: Books
) -> None:
    """The process dies after everything is recorded and before the commit: the row is there for the next one."""
    key = await site.issue("op", device=CAMERA)
    await post(site, key, event())
    dies = asyncio.Event()

    async def hang(tx: Tx, passages: Sequence[PassageSeen]) -> None:
        dies.set()
        await asyncio.Event().wait()

    dying = asyncio.create_task(Work(db, on_passage=(hang,)).step())
    await dies.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert (await waiting(db), len(await passages(db))) == (1, 0)
    await Work(db).step()
    await Work(db).step()
    assert (await waiting(db), len(await passages(db))) == (0, 1)
    assert (await books())["stored"] == 1


async def test_two_processes_share_the_spool(site: Site, db: Database, books: Books) -> None:
    key = await site.issue("op", device=CAMERA)
    for _ in range(20):
        await post(site, key, event())
    await asyncio.gather(Work(db).step(), Work(db).step())
    await Work(db).step()
    assert (await waiting(db), len(await passages(db))) == (0, 20)
    assert (await books())["stored"] == 20


async def test_what_cannot_be_read_is_answered_kept_and_told_why(site: Site, db: Database, books: Books) -> None:
    key = await site.issue("op", device=CAMERA)
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><EventNotificationAlert>&b;</EventNotificationAlert>'
    for xml in (b"<EventNotificationAlert>", bomb, b"\xff\xfe"):
        assert (await post(site, key, xml)).status == 200
    assert (await site.send("POST", f"/v1/ingest/hikvision/{CAMERA}/{key}", b"")).status == 200
    await Work(db).step()
    assert sorted(letter["reason"] for letter in await letters(db)) == [
        "empty",
        "malformed_xml",
        "malformed_xml",
        "not_utf8",
    ]
    assert {letter["topic"] for letter in await letters(db)} == {f"http/hikvision/{CAMERA}"}
    assert await waiting(db) == 0
    assert (await books())["dead"] == 4


async def test_a_heartbeat_leaves_nothing(site: Site, db: Database, books: Books) -> None:
    key = await site.issue("op", device=CAMERA)
    assert (await post(site, key, (DATA / "hikvision_heartbeat.xml").read_bytes())).status == 200
    await Work(db).step()
    assert (await waiting(db), await letters(db)) == (0, [])
    assert (await books())["received"] == 0


async def test_an_event_that_a_handler_refuses_stops_nobody(site: Site, db: Database, books: Books) -> None:
    key = await site.issue("op", device=CAMERA)
    for plate in ("辽A00001", "辽A00002", "辽A00003"):
        await post(site, key, event(plate))

    async def refuse(tx: Tx, passages: Sequence[PassageSeen]) -> None:
        if any(passage.plate == "辽A00002" for passage in passages):
            raise RuntimeError("not this one")

    await Work(db, on_passage=(refuse,)).step()
    assert [passage["plate"] for passage in await passages(db)] == ["辽A00001", "辽A00003"]
    assert [letter["reason"] for letter in await letters(db)] == ["handler_failed"]
    assert await waiting(db) == 0
    assert await books() == {"received": 3, "stored": 2, "duplicate": 0, "late": 0, "dead": 1}


async def test_an_event_without_a_form_around_it(site: Site, db: Database) -> None:
    key = await site.issue("op", device=CAMERA)
    xml = {"Content-Type": "application/xml"}
    await site.send("POST", f"/v1/ingest/hikvision/{CAMERA}/{key}", event("辽B1"), headers=xml)
    said = (DATA / "hikvision_unknown.json").read_bytes()
    await site.send("POST", f"/v1/ingest/hikvision/{CAMERA}/{key}", said, headers={"Content-Type": "application/json"})
    await Work(db).step()
    assert {passage["plate"] for passage in await passages(db)} == {"辽B1", None}


async def test_an_accept_header_that_a_camera_does_not_mean(site: Site, db: Database) -> None:
    key = await site.issue("op", device=CAMERA)
    said = form(event())
    said["headers"]["Accept"] = "text/html"
    assert (await site.send("POST", f"/v1/ingest/hikvision/{CAMERA}/{key}", **said)).status == 200
    assert await waiting(db) == 1


async def test_who_may_post_for_a_camera(site: Site, db: Database) -> None:
    await add_camera(db, "cam-exit")
    own = await site.issue("op", device=CAMERA)
    xml = event()
    for key, device, status in (
        (own, CAMERA, 200),
        (own, "cam-exit", 404),
        (await site.issue("op"), "cam-exit", 200),
        (await site.issue("op", ("operate", "read")), CAMERA, 403),
        (await site.issue(None), CAMERA, 200),
        ("bk_live_0123456789abcdef_" + "x" * 43, CAMERA, 401),
        ("nonsense", CAMERA, 401),
        (own, "nowhere", 404),
    ):
        answer = await post(site, key, xml, device=device)
        assert answer.status == status, (key[:24], device, answer.raw)


async def test_the_key_of_one_camera_pushes_nothing_else(site: Site) -> None:
    answer = await site.push("spaces", {"events": []}, key=await site.issue("op", device=CAMERA))
    assert answer.status == 403


async def test_the_key_as_a_password(site: Site, db: Database) -> None:
    key = await site.issue("op", device=CAMERA)
    asked = await site.send("POST", f"/v1/ingest/hikvision/{CAMERA}", event())
    assert asked.status == 401
    basic = "Basic " + base64.b64encode(f"{CAMERA}:{key}".encode()).decode()
    said = form(event())
    said["headers"]["Authorization"] = basic
    assert (await site.send("POST", f"/v1/ingest/hikvision/{CAMERA}", **said)).status == 200
    assert await waiting(db) == 1


async def test_a_full_spool_says_so(site: Site, db: Database) -> None:
    key = await site.issue("op", device=CAMERA)
    async with db.transaction() as tx:
        await tx.execute(
            """INSERT INTO gateway.spool (id, device, event, event_bytes, received_at)
               SELECT 'spl_' || number, $1, '', 0, now() FROM generate_series(1, 1000) AS number""",
            CAMERA,
        )
    answer = await post(site, key, event())
    assert (answer.status, answer.json["code"]) == (503, "spool-full")


async def test_what_was_refused_for_its_settings_is_replayed_after_the_fix(
    site: Site, db: Database, books: Books
) -> None:
    await add_camera(db, "cam-new", lane="E9", direction="entry")
    key = await site.issue("op")
    await post(site, key, event("辽A77777"), device="cam-new")
    await Work(db).step()
    (letter,) = await letters(db)
    assert letter["reason"] == "unknown_lane"
    async with db.transaction() as tx:
        await tx.execute("UPDATE registry.device SET settings = $1", {"lane": "E1", "direction": "entry"})
    operator = {"Authorization": f"Bearer {await site.issue('op', ('read', 'operate'))}", "Idempotency-Key": "k"}
    replayed = await site.send("POST", f"/v1/operator/rejected/{letter['id']}/replay", headers=operator)
    assert replayed.json["outcome"] == "recorded", replayed.raw
    (passage,) = await passages(db)
    assert passage["plate"] == "辽A77777"
    assert await books() == {"received": 1, "stored": 1, "duplicate": 0, "late": 0, "dead": 0}


async def test_the_spool_waits_for_a_database_that_refuses_everything(site: Site, db: Database) -> None:
    """An error that says the database is away leaves the loop, which comes again."""
    key = await site.issue("op", device=CAMERA)
    await post(site, key, event())
    away = True

    async def record(tx: Tx, facts: Facts) -> Recorded:
        if away:
            raise ConnectionResetError("gone")
        return await Recorder(OccupancySettings()).record_facts(tx, facts)

    work = SpoolWork(db, Handlers(record), lambda _: None, metrics())
    with pytest.raises(ConnectionResetError):
        await work.step()
    assert await waiting(db) == 1
    away = False
    await work.step()
    assert await waiting(db) == 0


async def test_what_is_to_be_passed_over_now_is_done_with(site: Site, db: Database) -> None:
    """The camera sees the other lane as well, and its operator says so after the fact."""
    await add_camera(db, "cam-new", lane="E9", direction="entry")
    await post(site, await site.issue("op"), event(), device="cam-new")
    await Work(db).step()
    (letter,) = await letters(db)
    ignoring = {"lane": "E9", "directions": {"forward": "ignore"}}
    async with db.transaction() as tx:
        await tx.execute("UPDATE registry.device SET settings = $1 WHERE id = 'cam-new'", ignoring)
    operator = {"Authorization": f"Bearer {await site.issue('op', ('read', 'operate'))}", "Idempotency-Key": "k"}
    replayed = await site.send("POST", f"/v1/operator/rejected/{letter['id']}/replay", headers=operator)
    assert (replayed.status, replayed.json["outcome"], replayed.json["stored"]) == (200, "recorded", 0)
    assert await passages(db) == []
