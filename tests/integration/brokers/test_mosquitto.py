"""What deploy/mosquitto promises, tried on a real Mosquitto: who may say what, who may hear what, and what it keeps."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import psutil
import pytest
from prometheus_client import CollectorRegistry

from app.processes import LOOPBACK
from gateway.address import BrokerAddress, ProtocolVersion, Session
from gateway.connection import BrokerAway, Connection
from gateway.metrics import GatewayMetrics
from gateway.record import Handlers
from gateway.service import Gateway, try_broker
from gateway.settings import GatewaySettings
from kernel.clock import SystemClock
from kernel.db import Database
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.conftest import Eventually
from tests.integration.brokers.secured import SecuredMosquitto
from tests.integration.gateway.conftest import Client, now, register

Sent = Callable[..., Awaitable[None]]
UP = ("spaces", "counts", "passages", "status", "acks")


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[SecuredMosquitto]:
    broker = SecuredMosquitto(tmp_path, user=getpass.getuser())
    for user in ("berth-gateway", "berth-api", "network-server", "guest", "op-a", "op-b", "a1b2-c3d4"):
        broker.add_user(user)
    broker.start()
    yield broker
    broker.stop()


class Connect(Protocol):
    """A connected client of the secured broker; what it hears is in `heard`."""

    async def __call__(self, user: str, *filters: str, protocol: ProtocolVersion = "5") -> Client: ...


@pytest.fixture
async def connect(secured: SecuredMosquitto, eventually: Eventually) -> AsyncIterator[Connect]:
    running: list[tuple[Client, asyncio.Task[None]]] = []

    async def start(user: str, *filters: str, protocol: ProtocolVersion = "5") -> Client:
        client = Client(
            secured.url(user),
            *filters,
            protocol=protocol,
            client_id=f"{user}-{len(running)}",
            ca_file=secured.ca_file,
        )
        running.append((client, asyncio.create_task(client.link.run())))
        await eventually(lambda: client.link.ready)
        return client

    yield start
    for client, task in running:
        await client.link.stop()
        await task


def topics(client: Client) -> list[str]:
    return [message.topic for message in client.heard]


@pytest.fixture
def sent(eventually: Eventually) -> Sent:
    """Publishes on topics and returns with the broker's answer to all of them."""

    async def say(client: Client, *said: str) -> None:
        for topic in said:
            client.link.publish(topic, b"{}")
        await eventually(lambda: client.link.unconfirmed == 0)

    return say


async def test_an_operator_speaks_for_itself_only_and_mqtt_5_says_so(
    connect: Connect, sent: Sent, eventually: Eventually
) -> None:
    gateway = await connect("berth-gateway", "parking/v1/+/+/+", "parking/v1/public/#")
    spoofer = await connect("op-a", protocol="5")
    await sent(spoofer, *(f"parking/v1/op-b/mall/{kind}" for kind in UP))
    assert spoofer.link.refused_publishes == len(UP)
    await sent(
        spoofer,
        "parking/v1/op-a/mall/orders",
        "parking/v1/op-a/mall/errors",
        "parking/v1/public/mall",
        "parking/v1/signs/sign-1",
        "v3/app@tenant/devices/d/up",
        "application/1/device/d/event/up",
        "device/a1b2-c3d4/message/up/ivs_result",
        "$SYS/broker/uptime",
    )
    assert spoofer.link.refused_publishes == len(UP) + 8
    mine = [f"parking/v1/op-a/mall/{kind}" for kind in UP]
    await sent(spoofer, *mine)
    await eventually(lambda: topics(gateway) == mine)
    assert spoofer.link.refused_publishes == len(UP) + 8


async def test_those_who_only_look_say_nothing(connect: Connect, sent: Sent, eventually: Eventually) -> None:
    gateway = await connect("berth-gateway", "parking/v1/#")
    said = ["parking/v1/public/mall", "parking/v1/signs/sign-1", "parking/v1/op-a/mall/spaces"]
    for name in ("guest", "berth-api"):
        looking = await connect(name, "parking/v1/public/#")
        await sent(looking, *said)
        assert looking.link.refused_publishes == len(said)
    await sent(gateway, "parking/v1/public/mall")
    await eventually(lambda: topics(gateway) == ["parking/v1/public/mall"])


async def test_mqtt_3_1_1_is_told_nothing_and_heard_by_nobody(
    connect: Connect, sent: Sent, eventually: Eventually
) -> None:
    gateway = await connect("berth-gateway", "parking/v1/#")
    spoofer = await connect("op-a", protocol="3.1.1")
    await sent(spoofer, "parking/v1/op-b/mall/spaces", "parking/v1/public/mall", "parking/v1/op-a/mall/spaces")
    assert spoofer.link.refused_publishes == 0
    await eventually(lambda: topics(gateway) == ["parking/v1/op-a/mall/spaces"])


async def test_orders_and_errors_reach_their_operator_only(
    connect: Connect, sent: Sent, eventually: Eventually
) -> None:
    gateway = await connect("berth-gateway")
    listeners = [
        await connect(user, "parking/v1/#", "parking/v1/op-b/+/orders", "parking/v1/+/+/errors", protocol=protocol)
        for user in ("op-a", "guest", "network-server", "a1b2-c3d4")
        for protocol in ("5", "3.1.1")
    ]
    owner = await connect("op-b", "parking/v1/op-b/+/orders", "parking/v1/op-b/+/errors")
    down = ["parking/v1/op-b/mall/orders", "parking/v1/op-b/mall/errors"]
    await sent(gateway, *down, "parking/v1/public/mall")
    await eventually(lambda: topics(owner) == down)
    for listener in listeners:
        await eventually(partial(public_heard, listener))
        assert not set(topics(listener)) & set(down)


async def test_network_servers_and_cameras_have_topics_of_their_own(
    connect: Connect, sent: Sent, eventually: Eventually
) -> None:
    gateway = await connect("berth-gateway", "#")
    network = await connect("network-server")
    camera = await connect("a1b2-c3d4")
    good = ["v3/app@tenant/devices/d1/up", "application/7/device/0011223344556677/event/up"]
    await sent(network, *good, "parking/v1/op-a/mall/spaces", "device/a1b2-c3d4/message/up/ivs_result")
    seen = ["device/a1b2-c3d4/message/up/ivs_result", "a1b2-c3d4/device/message/up/ivs_result"]
    await sent(camera, *seen, "device/other/message/up/ivs_result", "parking/v1/op-a/mall/passages", good[0])
    await eventually(lambda: topics(gateway) == good + seen)
    assert (network.link.refused_publishes, camera.link.refused_publishes) == (2, 3)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_nobody_without_the_right_name_and_password(secured: SecuredMosquitto, protocol: ProtocolVersion) -> None:
    session = Session("intruder", ("#",), protocol, ca_file=secured.ca_file)
    wrong = [
        f"mqtts://{LOOPBACK}:{secured.port}",
        secured.url("op-a", password="guessed"),
        secured.url("nobody", password="guessed"),
        secured.url("op-a.next", password="guessed"),
    ]
    for url in wrong:
        with pytest.raises(BrokerAway, match=r"(?i)refused|not authori[sz]ed"):
            await _connected(session, url)


async def test_nothing_listens_without_tls_and_certificates_are_verified(
    secured: SecuredMosquitto, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert secured.process is not None
    listening = psutil.Process(secured.process.pid).net_connections(kind="inet")
    assert {found.laddr.port for found in listening if found.status == psutil.CONN_LISTEN} == {secured.port}
    session = Session("plain", ("#",), ca_file=secured.ca_file)
    with pytest.raises(BrokerAway):
        await _connected(session, secured.url("op-a").replace("mqtts://", "mqtt://"))

    stranger = SecuredMosquitto(tmp_path_factory.mktemp("stranger"), user=getpass.getuser(), names=("broker.example",))
    with pytest.raises(BrokerAway, match=r"(?i)certificate verify failed"):
        await _connected(Session("wrong-ca", ("#",), ca_file=stranger.ca_file), secured.url("op-a"))
    with pytest.raises(BrokerAway, match=r"(?i)certificate verify failed"):
        await _connected(Session("no-ca", ("#",)), secured.url("op-a"))
    stranger.add_user("op-a")
    stranger.start()
    try:
        with pytest.raises(BrokerAway, match=r"(?i)IP address mismatch|not valid for"):
            await _connected(Session("wrong-name", ("#",), ca_file=stranger.ca_file), stranger.url("op-a"))
    finally:
        stranger.stop()
    connection = await _connected(Session("right", ("#",), ca_file=secured.ca_file), secured.url("op-a"))
    await connection.close()


async def test_the_doctor_tells_a_wrong_password_from_a_wrong_certificate(secured: SecuredMosquitto) -> None:
    await try_broker(secured.url("berth-gateway"), client_id="doctor", ca_file=secured.ca_file)
    with pytest.raises(ConnectionError, match=r"(?i)not authori[sz]ed|bad user"):
        await try_broker(secured.url("op-a", password="old"), client_id="doctor", ca_file=secured.ca_file)
    with pytest.raises(ConnectionError, match=r"(?i)certificate verify failed"):
        await try_broker(secured.url("berth-gateway"), client_id="doctor")


async def test_passwords_change_without_a_gap(
    secured: SecuredMosquitto, connect: Connect, sent: Sent, eventually: Eventually
) -> None:
    gateway = await connect("berth-gateway", "parking/v1/+/+/+")
    old = secured.url("op-a")
    secured.add_user("op-a", "--next")
    secured.reload()
    moved = await connect("op-a.next")
    still = await connect("op-a")
    await sent(moved, "parking/v1/op-a/mall/spaces", "parking/v1/op-b/mall/spaces")
    await sent(still, "parking/v1/op-a/mall/counts")
    await eventually(lambda: topics(gateway) == ["parking/v1/op-a/mall/spaces", "parking/v1/op-a/mall/counts"])
    assert moved.link.refused_publishes == 1

    secured.add_user("op-a")
    secured.reload()
    session = Session("late", (), ca_file=secured.ca_file)
    await eventually(lambda: _refuses(session, old))
    await (await _connected(session, secured.url("op-a"))).close()
    secured.remove_user("op-a.next")
    secured.reload()
    await eventually(lambda: _refuses(session, secured.url("op-a.next")))
    assert "op-a.next" not in (secured.folder / "acl").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["a/b", "+", "#", "public", "signs", "a b", "", "x" * 65, "op.next.next", "-d"])
def test_a_name_that_would_reach_further_is_refused(secured: SecuredMosquitto, name: str) -> None:
    before = (secured.folder / "passwords").read_text(encoding="utf-8")
    with pytest.raises(AssertionError, match=r"add-user\.sh"):
        secured.add_user(name)
    assert (secured.folder / "passwords").read_text(encoding="utf-8") == before


def test_only_a_hash_of_the_newest_password_is_kept(secured: SecuredMosquitto) -> None:
    secured.add_user("op-a")
    lines = (secured.folder / "passwords").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith("op-a:")]
    assert line.startswith("op-a:$7$101$")
    password = BrokerAddress.of(secured.url("op-a")).password
    assert password is not None
    assert len(password) == 32
    assert password not in line
    assert sorted(path.name for path in secured.folder.iterdir() if "asswords" in path.name) == ["passwords"]


async def test_a_gateway_behind_it_hears_all_of_large_and_small_messages(
    secured: SecuredMosquitto, database_url: str, connect: Connect, eventually: Eventually
) -> None:
    """Large ones fill several TLS records: what waits inside TLS no longer shows at the socket."""
    db = Database(database_url, SystemClock())
    await db.open()
    await register(db, "mall-a", spaces=4_000, operator="op-a")
    gateway = Gateway(
        db,
        SystemClock(),
        Handlers(Recorder(OccupancySettings()).record_facts),
        broker_url=secured.url("berth-gateway"),
        settings=GatewaySettings(ca_file=secured.ca_file),
        metrics=GatewayMetrics(CollectorRegistry()),
    )
    running = asyncio.create_task(gateway.run())
    await eventually(lambda: gateway.ready)
    device = await connect("op-a")
    large = [
        {"space": f"B1-{number}", "state": "free", "at": now(-60), "seq": 1, "epoch": "e"} for number in range(1, 4_001)
    ]
    for number in range(1, 51):
        if number % 10 == 0:
            device.say("spaces", {"events": large}, operator="op-a", car_park="mall-a")
        small = {"space": f"B1-{number}", "state": "occupied", "at": now(-1), "seq": 2, "epoch": "e"}
        device.say("spaces", small, operator="op-a", car_park="mall-a")

    async def booked() -> bool:
        async with db.transaction(readonly=True) as tx:
            row = await tx.fetchrow("SELECT received, stored + late FROM gateway.tally WHERE car_park = 'mall-a'")
        return row is not None and tuple(row) == (5 * 4_000 + 50, 4_000 + 50)  # each large one after the first repeats

    await eventually(booked, within_s=30)
    await gateway.stop()
    await running
    await db.close()


@pytest.mark.parametrize("strict", [False, True], ids=["as delivered", "strict"])
async def test_kill_9_keeps_what_was_acknowledged_and_saved(
    tmp_path: Path, strict: bool, eventually: Eventually
) -> None:
    """As delivered the store is written every second, strictly after every packet, which is after its PUBACK."""
    broker = SecuredMosquitto(tmp_path, user=getpass.getuser(), strict=strict)
    for user in ("berth-gateway", "op-a"):
        broker.add_user(user)
    broker.start()
    session = Session("gateway", ("parking/v1/+/+/+",), expiry_s=3600, ca_file=broker.ca_file)
    await (await _connected(session, broker.url("berth-gateway"))).close()

    device = Client(broker.url("op-a"), client_id="device", ca_file=broker.ca_file)
    speaking = asyncio.create_task(device.link.run())
    payloads = [b"%d" % number for number in range(300)]
    for payload in payloads:
        device.link.publish("parking/v1/op-a/mall/spaces", payload)
    await eventually(lambda: device.link.unconfirmed == 0, within_s=30)
    for _ in range(2):  # the first may have begun before the last message
        before = broker.store.stat().st_mtime_ns if broker.store.exists() else 0
        device.link.publish("parking/v1/op-a/mall/status", b"so that there is something to save")
        await eventually(partial(saved_since, broker.store, before))
    broker.kill()
    broker.start()

    heard = Client(
        broker.url("berth-gateway"), "parking/v1/+/+/+", client_id="gateway", ca_file=broker.ca_file, expiry_s=3600
    )
    hearing = asyncio.create_task(heard.link.run())
    await eventually(lambda: heard.link.ready)
    assert heard.link.fresh_sessions == 0
    await eventually(lambda: len({m.payload for m in heard.heard if m.topic.endswith("spaces")}) == len(payloads))
    for client, task in ((device, speaking), (heard, hearing)):
        await client.link.stop()
        await task
    broker.stop()


async def _connected(session: Session, url: str) -> Connection:
    connection = Connection(session, on_message=lambda _fed: True, on_published=lambda *_: None)
    await connection.connect(BrokerAddress.of(url))
    await connection.subscribe(BrokerAddress.of(url), session.filters)
    return connection


def public_heard(listener: Client) -> bool:
    return "parking/v1/public/mall" in topics(listener)


def saved_since(store: Path, before_ns: int) -> bool:
    return store.exists() and store.stat().st_mtime_ns > before_ns


async def _refuses(session: Session, url: str) -> bool:
    try:
        await (await _connected(session, url)).close()
    except BrokerAway:
        return True
    return False
