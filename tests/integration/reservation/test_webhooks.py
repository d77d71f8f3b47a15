"""Webhooks against a real receiver on loopback: what it is told, how it is signed, and what happens when it fails.

Jobs are handled by the test as the queue would hand them over, so that a day of retries takes no time.
"""

import base64
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from gateway.give_order import give_order
from kernel.clock import ManualClock
from kernel.db import Database
from reservation import relay as relaying
from reservation import service as reservation
from reservation.settings import ReservationSettings
from tests.integration.reservation.conftest import ANN, BEN, CITY, MIRA, OTHER_CAR, OTTO, PARK, Site, moment, park

HOOKS = "/v1/operator/webhooks"
HOOK = f"{HOOKS}/ours"


@dataclass
class Receiver:
    """Somebody's system: notes what it is told, and answers `status`."""

    url: str = ""
    status: int = 200
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [orjson.loads(body) for _, body in self.told]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()

    async def hear(request: web.Request) -> web.Response:
        made.told.append((dict(request.headers), await request.read()))
        return web.Response(status=made.status, headers={"Location": "/elsewhere"})

    application = web.Application()
    application.router.add_post("/berth", hear)
    async with TestServer(application, host="127.0.0.1") as server:
        made.url = str(server.make_url("/berth"))
        yield made


class Worker:
    """The worker's side: its relay, and its queue, whose rows are handled when the test says so."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.registry = CollectorRegistry()
        settings = ReservationSettings(webhooks_loopback=True)
        service = reservation.upkeep(database, settings, self.registry, give_order)
        self._relay = next(loop.step for loop in service.loops if loop.name == "reservation.relay")
        self._handle = next(job.handle for job in service.jobs if job.name == relaying.JOB)

    async def relay(self) -> None:
        await self._relay()

    async def queued(self) -> list[bytes]:
        """Payloads of jobs that were enqueued, oldest first; they are taken from the queue."""
        async with self._database.transaction() as tx:
            rows = await tx.fetch("DELETE FROM jobs.pgqueuer WHERE entrypoint = $1 RETURNING id, payload", relaying.JOB)
        return [row["payload"] for row in sorted(rows, key=lambda row: row["id"])]

    async def work(self) -> int:
        """Handle what is queued now; how much that was."""
        payloads = await self.queued()
        for payload in payloads:
            await self._handle(payload)
        return len(payloads)

    async def handle(self, payload: bytes) -> None:
        await self._handle(payload)


@pytest.fixture
def worker(site: Site) -> Worker:
    return Worker(site.database)


async def set_up(site: Site, receiver: Receiver, **changes: Any) -> bytes:
    """The key with which the webhook of mira is signed."""
    answer = await site.put(HOOK, {"url": receiver.url, **changes}, who=MIRA)
    assert answer.status == 201, answer.raw
    return base64.b64decode(answer.json["secret"].removeprefix("whsec_"))


def shown_secret(key: bytes) -> str:
    """As the operator was shown it."""
    return "whsec_" + base64.b64encode(key).decode()


async def deliveries(site: Site, **params: Any) -> list[Any]:
    answer = await site.get(f"{HOOK}/deliveries", params=params, who=MIRA)
    assert answer.status == 200, answer.raw
    items: list[Any] = answer.json["items"]
    return items


def signatures(key: bytes, headers: dict[str, str], body: bytes) -> bool:
    """Whether one of them is made with `key`."""
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, said, "sha256")).decode()
    return expected in headers["webhook-signature"].split(" ")


async def test_each_step_is_told_once_and_signed(site: Site, receiver: Receiver, worker: Worker) -> None:
    before = (await site.hold(300, 400)).json
    site.clock.advance(1)
    key = await set_up(site, receiver)
    held = (await site.hold()).json
    confirmed = (await site.step(held["id"], "confirm")).json
    await site.step(held["id"], "cancel")
    for _ in range(2):
        await worker.relay()
    assert await worker.work() == 3
    assert [body["type"] for body in receiver.bodies] == [
        "reservation.held",
        "reservation.confirmed",
        "reservation.cancelled",
    ]
    first = receiver.bodies[0]
    assert first["data"]["reservation"]["id"] == held["id"] != before["id"]
    assert first["data"]["reservation"]["vehicle"] == confirmed["vehicle"]
    assert receiver.bodies[2]["data"]["detail"] == {"cause": "driver"}
    for headers, body in receiver.told:
        assert headers["Content-Type"] == "application/json"
        assert headers["webhook-timestamp"] == str(int(site.clock.now().timestamp()))
        assert signatures(key, headers, body)
    listed = await deliveries(site)
    assert [(item["kind"], item["state"], item["attempts"], item["status"]) for item in listed] == [
        ("cancelled", "delivered", 1, 200),
        ("confirmed", "delivered", 1, 200),
        ("held", "delivered", 1, 200),
    ]
    assert {headers["webhook-id"] for headers, _ in receiver.told} == {item["id"] for item in listed}
    counted = worker.registry.get_sample_value("berth_reservation_events_total", {"kind": "held"})
    assert counted == 2


async def test_only_what_is_asked_for_and_only_the_own_car_parks(
    site: Site, receiver: Receiver, worker: Worker
) -> None:
    assert (await site.put("/v1/operator/car-parks/sy-2", park(operator=OTTO))).status == 201
    await set_up(site, receiver, events=["confirmed", "no_show"])
    await site.confirmed()
    await site.confirmed(car_park="sy-2", vehicle=OTHER_CAR, who=BEN)
    await worker.relay()
    await worker.work()
    assert [body["data"]["reservation"]["car_park"] for body in receiver.bodies] == [PARK]
    assert (await site.put(HOOK, {"url": receiver.url, "enabled": False}, who=MIRA)).status == 200
    await site.confirmed(200, 260)
    await worker.relay()
    assert await worker.work() == 0


async def test_a_receiver_that_is_away_is_tried_for_a_day_and_then_it_is_dead(
    site: Site, receiver: Receiver, worker: Worker, clock: ManualClock
) -> None:
    await set_up(site, receiver, events=["held"])
    receiver.status = 503
    await site.hold(60, 120)
    await worker.relay()
    began = clock.now()
    for _ in range(40):
        if not await worker.work():
            break
        [one] = await deliveries(site)
        if one["next_at"] is not None:
            clock.advance(
                max(0.0, (moment(one["next_at"]) - clock.now()).total_seconds()) + 0.001  # told in milliseconds
            )
    [dead] = await deliveries(site, state="dead")
    assert (dead["status"], dead["error"]) == (503, "answered 503")
    assert dead["attempts"] == len(receiver.told) >= 10
    assert len({headers["webhook-id"] for headers, _ in receiver.told}) == 1
    assert len({body for _, body in receiver.told}) == 1
    assert 20 * 3600 < (clock.now() - began).total_seconds() <= 24 * 3600
    shown = (await site.get(HOOK, who=MIRA)).json
    assert shown["failures"] == dead["attempts"] and shown["quiet_until"] is not None
    # A person mends the receiver and has it told again.
    receiver.status = 204
    assert (await site.put(HOOK, {"url": receiver.url}, who=MIRA)).status == 200
    replay = f"/v1/operator/webhook-deliveries/{dead['id']}/replay"
    assert (await site.post(replay, who=OTTO)).status == 404
    assert (await site.post(replay, who=MIRA)).json["state"] == "waiting"
    assert (await site.post(replay, who=MIRA)).json["code"] == "wrong-state"
    assert await worker.work() == 1
    [item] = await deliveries(site)
    assert (item["state"], item["status"], item["error"]) == ("delivered", 204, None)


async def test_while_a_receiver_fails_the_others_wait_without_being_tried(
    site: Site, receiver: Receiver, worker: Worker, clock: ManualClock
) -> None:
    await set_up(site, receiver, events=["held"])
    receiver.status = 500
    for number in range(3):
        await site.hold(60 + number * 60, 120 + number * 60)
    await worker.relay()
    await worker.work()
    assert len(receiver.told) == 1
    receiver.status = 200
    clock.advance(6)
    await worker.work()
    assert len(receiver.told) == 4
    assert {item["state"] for item in await deliveries(site)} == {"delivered"}
    assert (await site.get(HOOK, who=MIRA)).json["failures"] == 0


async def test_a_job_that_comes_twice_or_is_lost_does_no_harm(
    site: Site, receiver: Receiver, worker: Worker, clock: ManualClock
) -> None:
    await set_up(site, receiver, events=["held"])
    await site.hold()
    await worker.relay()
    [payload] = await worker.queued()
    for _ in range(2):
        await worker.handle(payload)
    assert len(receiver.told) == 1
    await site.hold(200, 260)
    await worker.relay()
    await worker.queued()  # and is gone
    clock.advance(660)
    await worker.relay()
    assert await worker.work() == 1
    assert len(receiver.told) == 2


async def test_gone_is_taken_at_its_word_and_a_redirect_is_not_followed(
    site: Site, receiver: Receiver, worker: Worker
) -> None:
    await set_up(site, receiver, events=["held"])
    receiver.status = 307
    await site.hold()
    await worker.relay()
    await worker.work()
    [item] = await deliveries(site)
    assert (item["state"], item["error"], len(receiver.told)) == ("waiting", "answered 307", 1)
    await worker.queued()
    receiver.status = 410
    await site.put(HOOK, {"url": receiver.url, "events": ["held"]}, who=MIRA)
    await site.hold(200, 260)
    await worker.relay()
    await worker.work()
    assert (await site.get(HOOK, who=MIRA)).json["enabled"] is False
    assert (await deliveries(site, state="dead"))[0]["status"] == 410


async def test_nobody_there_is_told_without_what_the_machine_says(
    site: Site, receiver: Receiver, worker: Worker
) -> None:
    await set_up(site, receiver, events=["held"], url="http://127.0.0.1:9/berth")
    await site.hold()
    await worker.relay()
    await worker.work()
    [item] = await deliveries(site)
    assert item["error"] == "not reached: ClientConnectorError" and item["status"] is None


async def test_a_new_secret_signs_beside_the_former_for_a_day(
    site: Site, receiver: Receiver, worker: Worker, clock: ManualClock
) -> None:
    former = await set_up(site, receiver, events=["held"])
    renewed = await site.post(f"{HOOK}/secret", who=MIRA, key="once")
    key = base64.b64decode(renewed.json["secret"].removeprefix("whsec_"))
    assert key != former
    assert (await site.post(f"{HOOK}/secret", who=MIRA, key="once")).json == renewed.json
    for day in range(2):
        await site.hold(60, 120, who=ANN)
        await worker.relay()
        await worker.work()
        headers, body = receiver.told[-1]
        assert signatures(key, headers, body)
        assert signatures(former, headers, body) == (day == 0)
        clock.advance(86_400)


async def test_webhooks_are_their_operators_audited_and_bounded(site: Site, receiver: Receiver) -> None:
    key = await set_up(site, receiver)
    assert len(key) == 32
    assert (await site.put(HOOK, {"url": receiver.url}, who=OTTO)).json["code"] == "webhook-taken"
    assert (await site.put(f"{HOOKS}/more", {"url": receiver.url}, who=CITY)).status == 422
    assert (await site.put(f"{HOOKS}/more", {"url": receiver.url, "operator": "nobody"}, who=CITY)).status == 404
    assert (await site.put(f"{HOOKS}/more", {"url": receiver.url, "operator": MIRA}, who=OTTO)).status == 404
    assert (await site.put(HOOK, {"url": receiver.url, "operator": OTTO}, who=CITY)).status == 422
    for who, status in ((OTTO, 404), (ANN, 403), (None, 401)):
        assert (await site.get(HOOK, who=who)).status == status
        assert (await site.get(f"{HOOK}/deliveries", who=who)).status == status
        assert (await site.ask("DELETE", HOOK, who=who)).status == status
        assert (await site.post(f"{HOOK}/secret", who=who)).status == status
    assert (await site.get(HOOKS, who=OTTO)).json["items"] == []
    for who in (MIRA, CITY):
        [listed] = (await site.get(HOOKS, who=who)).json["items"]
        assert listed["id"] == "ours" and "secret" not in listed
    for number in range(19):
        assert (await site.put(f"{HOOKS}/more-{number}", {"url": receiver.url}, who=MIRA)).status == 201
    assert (await site.put(f"{HOOKS}/another", {"url": receiver.url}, who=MIRA)).json["code"] == "too-many-webhooks"
    assert (await site.ask("DELETE", HOOK, who=MIRA)).status == 204
    assert (await site.get(HOOK, who=MIRA)).status == 404
    audited = await site.rows(
        "SELECT action, operator FROM registry.audit WHERE subject = 'webhook/ours' ORDER BY number"
    )
    assert [tuple(row) for row in audited] == [("webhook.register", MIRA), ("webhook.remove", MIRA)]


async def test_many_events_are_read_in_parts(
    site: Site, receiver: Receiver, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that wrote more than a part holds is read whole."""
    monkeypatch.setattr(relaying, "EVENTS_MAX", 3)
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", park(reservable=20))).status == 200
    await set_up(site, receiver)
    held = [(await site.hold(60 + number * 60, 120 + number * 60)).json["id"] for number in range(7)]
    async with site.database.transaction() as tx:
        for reservation_id in held[:5]:
            await tx.execute(
                "INSERT INTO reservation.event (reservation, at, kind, version) VALUES ($1, $2, 'extended', 1)",
                reservation_id,
                tx.now,
            )
    await site.hold(900, 960)
    await worker.relay()
    assert await worker.work() == 13
    told = [(body["data"]["kind"], body["data"]["event"]) for body in receiver.bodies]
    assert told == sorted(told, key=lambda one: one[1])


async def test_an_event_is_told_once_however_many_read(site: Site, receiver: Receiver, worker: Worker) -> None:
    """In parts, by two workers, and past what is committed late."""
    await set_up(site, receiver, events=["held"])
    async with site.database.transaction() as tx:
        await tx.fetchval("SELECT pg_current_xact_id()")
        await site.hold()
        await worker.relay()
        assert await worker.work() == 0  # nothing is read that may be overtaken
    await worker.relay()
    await Worker(site.database).relay()
    assert await worker.work() == 1
