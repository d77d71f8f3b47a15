"""From the exit passage of a vehicle that leaves first to the order that opens its barrier, while the channel is down.

A gateway and a worker over PostgreSQL and Mosquitto, spoken to over MQTT as a car park speaks; the worker is told of a
payment channel at an address where nobody answers, and every stay is to be collected by it. Vehicles with an agreement
have driven in hours ago; now they leave, so many a second over all car parks. The clock is the bench's own, on both
ends. Every exit must have its order and its charge, or there are no figures.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from app.bench import sql
from app.bench.load import CAR_PARKS, OPERATOR, car_park_id
from app.bench.report import BenchImpossible
from app.bench.rig import Rig
from app.bench.role_process import RoleProcess
from app.processes import LOOPBACK, free_port
from contracts.wire import OrderMessage, PassageMessage, Plate, up_topic
from kernel.clock import Clock
from simulators.wire_client import WireClient

EXITS_S = 50
SECONDS = 20
CHANNEL = "wechat"
_INSIDE = timedelta(hours=3)
_LATE_S_MAX = 30.0


@dataclass
class Orders:
    """When the order to open for each passage was heard."""

    clock: Clock
    heard: dict[str, float] = field(default_factory=dict)

    def hear(self, _topic: str, payload: bytes) -> None:
        order = msgspec.json.decode(payload, type=OrderMessage)
        if order.kind == "open_barrier" and order.lane is not None:
            self.heard.setdefault(order.lane, self.clock.monotonic())


async def exit_to_order_ms(rig: Rig, tariff: dict[str, Any]) -> list[float]:
    """The delay of each of EXITS_S * SECONDS exits. Raises BenchImpossible where one has no order or no charge."""
    with worker_without_channel(rig):
        rig.gateway.start()
        await rig.listening()
        return await _leave(rig, tariff)


@contextmanager
def worker_without_channel(rig: Rig) -> Iterator[None]:
    """A worker whose payment channel does not answer."""
    settings = _channel_nowhere(rig.folder)
    worker = RoleProcess(
        "worker", rig.folder, database_url=rig.postgres.url(), mqtt_url=rig.broker.url, settings=settings
    )
    worker.start()
    try:
        yield
        if not worker.is_running():
            raise BenchImpossible(f"the worker ended: {worker.last_words()}")
    finally:
        worker.stop()


async def _leave(rig: Rig, tariff: dict[str, Any]) -> list[float]:
    count = EXITS_S * SECONDS
    now = rig.clock.now()
    async with rig.database.transaction() as tx:
        await sql.agree_to_pay_later(tx, [_plate(number) for number in range(count)], channel=CHANNEL)
        await sql.put_tariffs(tx, [car_park_id(index) for index in range(CAR_PARKS)], tariff)
    orders = Orders(rig.clock)
    device = WireClient(
        rig.broker.url, rig.clock, client_id="bench-lanes", filters=["parking/v1/+/+/orders"], hear=orders.hear
    )
    await device.open()
    try:
        for number in range(count):
            await device.publish(*_passage(number, "entry", now - _INSIDE))
        await _until_inside(rig, count)
        said: dict[str, float] = {}
        started = rig.clock.monotonic()
        for number in range(count):
            await rig.clock.sleep(started + number / EXITS_S - rig.clock.monotonic())
            said[_lane(number)] = rig.clock.monotonic()
            await device.publish(*_passage(number, "exit", rig.clock.now()))
        deadline = rig.clock.monotonic() + _LATE_S_MAX
        while len(orders.heard) < count and rig.clock.monotonic() < deadline:
            await rig.clock.sleep(0.05)
    finally:
        await device.close()
    async with rig.database.transaction() as tx:
        charges = await sql.charges_to_collect(tx)
    missing = said.keys() - orders.heard.keys()
    if missing or charges != count:
        raise BenchImpossible(f"of {count} exits {len(missing)} have no order, and {charges} a charge to collect")
    return [1_000 * (orders.heard[lane] - when) for lane, when in said.items()]


async def _until_inside(rig: Rig, count: int) -> None:
    deadline = rig.clock.monotonic() + 2 * _LATE_S_MAX
    while True:
        async with rig.database.transaction() as tx:
            inside = await sql.vehicles_inside(tx)
        if inside == count:
            return
        if rig.clock.monotonic() > deadline:
            raise BenchImpossible(f"{inside} of {count} vehicles came in: {rig.gateway.last_words()}")
        await rig.clock.sleep(0.2)


def _passage(number: int, direction: Literal["entry", "exit"], at: datetime) -> tuple[str, bytes]:
    message = PassageMessage(
        id=f"{direction}-{number}",
        lane=_lane(number),
        direction=direction,
        vehicle=Plate(_plate(number), "blue"),
        class_="small",
        at=at,
        confidence=0.99,
    )
    return up_topic(OPERATOR, car_park_id(number % CAR_PARKS), "passages"), msgspec.json.encode(message)


def _lane(number: int) -> str:
    """One of its own for each vehicle, by which its order is known again."""
    return f"X{number}"


def _plate(number: int) -> str:
    return f"辽A{number:05}"


def _channel_nowhere(folder: Path) -> dict[str, str]:
    """Settings of a channel that is configured in every respect, at an address where nobody listens."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = folder / "merchant.pem", folder / "platform.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    nobody = f"http://{LOOPBACK}:{free_port()}"
    section = "BERTH_BILLING__CHANNELS__"
    return {
        f"{section}PUBLIC_URL": nobody,
        f"{section}WECHAT__GATEWAY": nobody,
        f"{section}WECHAT__MCH_ID": "1900000001",
        f"{section}WECHAT__SUB_MCHID": "1900000109",
        f"{section}WECHAT__APPID": "wx0000000000000001",
        f"{section}WECHAT__SERIAL": "BENCH",
        f"{section}WECHAT__PRIVATE_KEY_FILE": str(private),
        f"{section}WECHAT__PLATFORM_KEY_FILE": str(public),
        f"{section}WECHAT__PLATFORM_KEY_ID": "PUB_KEY_ID_BENCH",
        f"{section}WECHAT__APIV3_KEY": "0" * 32,
    }
