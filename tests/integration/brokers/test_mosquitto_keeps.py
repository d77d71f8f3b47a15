"""What deploy/mosquitto promises, tried on a real Mosquitto: what it hands on, and what it keeps when it is killed."""

import asyncio
import getpass
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.address import Session
from gateway.metrics import GatewayMetrics
from gateway.record import Handlers
from gateway.service import Gateway
from gateway.settings import GatewaySettings
from kernel.clock import SystemClock
from kernel.db import Database
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.conftest import Eventually
from tests.integration.brokers.conftest import Connect, connected
from tests.integration.brokers.secured import SecuredMosquitto
from tests.integration.gateway.conftest import Client, now, register


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
    await (await connected(session, broker.url("berth-gateway"))).close()

    device = Client(broker.url("op-a"), client_id="device", ca_file=broker.ca_file)
    payloads = [b"%d" % number for number in range(300)]
    async with device.connected():
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
    async with heard.connected():
        await eventually(lambda: heard.link.ready)
        assert heard.link.fresh_sessions == 0
        await eventually(lambda: len({m.payload for m in heard.heard if m.topic.endswith("spaces")}) == len(payloads))
    broker.stop()


def saved_since(store: Path, before_ns: int) -> bool:
    return store.exists() and store.stat().st_mtime_ns > before_ns
