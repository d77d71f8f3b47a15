"""WeChat Pay and Alipay against channels that verify, repeat and misbehave as the real ones do."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from billing.carry_payment import CarryPayment
from billing.carry_refund import CarryRefund
from billing.channels.offered import Channels, offered
from billing.channels.protocol import Entry, LineKind, Plate, PlateState
from billing.collect import Collect
from billing.http.callbacks import CallbacksApi
from billing.pay import Payer, pay_now
from billing.settings import AlipaySettings, ChannelsSettings, SandboxSettings, WechatSettings
from billing.start_refund import start_refund
from kernel.auth import Authenticator
from kernel.clock import ManualClock
from kernel.db import Database, Row
from kernel.tokens import local_issuer, new_signing_key
from kernel.webserver import WebServer, make_application
from registry.key_store import RegistryKeyStore
from registry.sql import audit
from simulators.payment_channel.mischief import Dice, Mischief
from simulators.payment_channel.parties import parties_in
from simulators.payment_channel.server import SimulatedChannels, simulated_channels
from simulators.payment_channel.truth import OrderState
from simulators.payment_channel.truth import PlateState as TheirState
from simulators.payment_channel.truth import Vehicle as TheirVehicle
from tests.conftest import Eventually
from tests.integration.billing.gates import START as BEGIN
from tests.integration.billing.test_charges import charged
from tests.integration.billing.test_payments import Till

NAMES = ("wechat", "alipay")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of both sides."""
    made = tmp_path_factory.mktemp("parties")
    parties_in(made, ManualClock(BEGIN).now())
    return made


class World(Till):
    """A till of ours with both channels on the other side of loopback."""

    def __init__(self, database: Database, clock: ManualClock, channels: Channels, theirs: SimulatedChannels) -> None:
        super().__init__(database, clock)
        self.channels, self.theirs = channels, theirs
        self.carry = CarryPayment(database, channels, self.on_paid, self.meters)
        self.carry_refund = CarryRefund(database, channels, self.meters)
        self.collect = Collect(database, channels, self.carry)

    async def owes(self, channel: str, *, number: int = 1, plate: str = "辽A12345", amount: int = 1200) -> str:
        async with self.database.transaction() as tx:
            await tx.execute(
                "INSERT INTO billing.agreement (id, driver, plate, color, channel, contract, state, created_at,"
                " updated_at) VALUES ($1, 'ann', $2, 'blue', $3, 'openid-ann', 'active', $4, $4)"
                " ON CONFLICT DO NOTHING",
                f"agr_{number}",
                plate,
                channel,
                tx.now,
            )
            row = await charged(tx, amount, reservation=f"rsv_{number}", plate=plate, driver="ann")
        charge: str = row["id"]
        return charge

    async def pays(self, charge: str, channel: str) -> Row:
        async with self.database.transaction() as tx:
            return await pay_now(tx, [charge], Payer(driver="ann"), self.channels.chosen(channel))

    async def outcomes(self) -> list[str]:
        return sorted(row["outcome"] for row in await self.rows("SELECT outcome FROM billing.callback"))


def _free_port() -> int:
    """Its number goes into the channels' settings before anything listens there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
async def world(database: Database, clock: ManualClock, folder: Path) -> AsyncIterator[Any]:
    """`async with world(Mischief(...)) as made`."""

    @asynccontextmanager
    async def make(mischief: Mischief | None = None) -> AsyncIterator[World]:
        parties = parties_in(folder, clock.now())
        async with simulated_channels(parties, clock, mischief) as theirs:
            authenticator = Authenticator(
                issuer=local_issuer(new_signing_key()), keys=RegistryKeyStore(database), clock=clock
            )
            port = _free_port()
            settings = ChannelsSettings(
                public_url=f"http://127.0.0.1:{port}",
                sandbox=SandboxSettings(enabled=False),
                wechat=WechatSettings(
                    mch_id=parties.wechat.mchid,
                    sub_mchid=parties.wechat.sub_mchid,
                    appid=parties.wechat.appid,
                    serial=parties.wechat.merchant_serial,
                    private_key_file=folder / "wechat_merchant_key.pem",
                    platform_key_file=folder / "wechat_platform_certificate.pem",
                    platform_key_id=parties.wechat.platform_serial,
                    apiv3_key=SecretStr(parties.wechat.api_v3_key),
                    gateway=theirs.url,
                ),
                alipay=AlipaySettings(
                    app_id=parties.alipay.app_id,
                    seller_id=parties.alipay.seller_id,
                    parking_id="PI1501317472942184881",
                    private_key_file=folder / "alipay_app_key.pem",
                    alipay_key_file=folder / "alipay_public_key.pem",
                    gateway=f"{theirs.url}/gateway.do",
                ),
            )
            channels = offered(settings, database, listens_at="")
            made = World(database, clock, channels, theirs)
            hears = CallbacksApi(database, channels, made.on_paid, audit.record)
            server = WebServer(make_application([hears], clock=clock, authenticator=authenticator, database=database))
            await server.start("127.0.0.1", port)
            try:
                yield made
            finally:
                await server.stop()
                await channels.close()

    yield make


@pytest.mark.parametrize("name", NAMES)
async def test_collected_under_an_agreement(world: Any, eventually: Eventually, name: str) -> None:
    async with world() as made:
        charge = await made.owes(name)
        await made.collect.handle(charge.encode())

        async def is_paid() -> bool:
            made.clock.advance(1)
            return bool((await made.charge(charge))["state"] == "paid")

        await eventually(is_paid)
        await made.settle()
        assert await made.balances() == {f"channel_clearing:{name}": 1200, "operator_pending:mira": -1200}
        assert made.paid == [charge]
        (payment,) = await made.rows("SELECT * FROM billing.payment")
        assert payment["transaction"]
        await eventually(lambda: all(told.is_taken for told in getattr(made.theirs, name).teller.told))


@pytest.mark.parametrize("name", NAMES)
async def test_paid_with_a_code_and_given_back(world: Any, eventually: Eventually, name: str) -> None:
    async with world() as made:
        charge = await made.owes(name)
        payment = await made.pays(charge, name)
        assert payment["action"] is None
        await made.carry.handle(payment["id"].encode())
        sent = await made.payment(payment["id"])
        assert (sent["state"], sent["action"]["url"].split(":")[0] in ("weixin", "https")) == ("sent", True)
        made.clock.advance(5)
        await made.poll()  # nobody has scanned it
        assert (await made.payment(payment["id"]))["state"] == "sent"
        getattr(made.theirs, name).pay(payment["out_trade_no"])
        await made.settle()
        assert (await made.charge(charge))["state"] == "paid"
        for amount in (500, 700):
            async with made.database.transaction() as tx:
                await start_refund(tx, charge, amount, reason="电梯坏了", actor="operator:x")
            await made.settle()
        assert (await made.charge(charge))["state"] == "refunded"
        assert await made.balances() == {}

        made.clock.advance(86_400 * 1.5)
        lines = await made.channels.chosen(name).bill(date(2026, 11, 23))
        assert lines is not None
        money = sorted((line.kind, line.amount, line.out_trade_no) for line in lines)
        number = payment["out_trade_no"]
        assert money == [
            (LineKind.PAYMENT, 1200, number),
            (LineKind.REFUND, 500, number),
            (LineKind.REFUND, 700, number),
        ]
        assert all(line.out_refund_no for line in lines if line.kind is LineKind.REFUND)
        assert sum(line.fee for line in lines) >= 0


@pytest.mark.parametrize("name", NAMES)
async def test_a_code_that_nobody_pays_is_closed_there_as_well(world: Any, name: str) -> None:
    async with world() as made:
        charge = await made.owes(name)
        payment = await made.pays(charge, name)
        await made.carry.handle(payment["id"].encode())
        await made.settle()
        assert (await made.payment(payment["id"]))["state"] == "closed"
        order = getattr(made.theirs, name).truth.order(payment["out_trade_no"])
        assert order.state is OrderState.CLOSED


@pytest.mark.parametrize("name", NAMES)
async def test_a_channel_that_is_down_takes_no_money_and_loses_none(world: Any, name: str) -> None:
    async with world(Mischief(busy=0.4, broken=0.2, broken_after=0.3, seed=3)) as made:
        charges = [await made.owes(name, number=n, plate=f"辽A1234{n}") for n in range(4)]
        for charge in charges:
            await made.collect.handle(charge.encode())
        await made.settle(minutes=24 * 60)
        assert sorted(made.paid) == sorted(charges)
        orders = getattr(made.theirs, name).truth.orders
        assert len(orders) == 4
        assert await made.balances() == {f"channel_clearing:{name}": 4800, "operator_pending:mira": -4800}


@pytest.mark.parametrize("name", NAMES)
async def test_what_goes_back_goes_once_whatever_the_channel_does(world: Any, name: str) -> None:
    async with world() as made:
        charges = [await made.owes(name, number=n, plate=f"辽A1234{n}") for n in range(3)]
        for charge in charges:
            await made.collect.handle(charge.encode())
        await made.settle()
        channel = getattr(made.theirs, name)
        channel.dice = channel.teller.dice = Dice(
            Mischief(seed=5, broken_after=0.4, busy=0.2, twice=0.5, never=0.3, refund_fails=0.3, out_of_order=0.3)
        )
        for charge in charges:
            for amount in (300, 400):
                async with made.database.transaction() as tx:
                    await start_refund(tx, charge, amount, reason="x", actor="operator:x")
        await made.settle(minutes=24 * 60)
        theirs = sum(order.refunded for order in channel.truth.orders.values())
        refunds = await made.rows("SELECT state, amount FROM billing.refund")
        assert sum(row["amount"] for row in refunds if row["state"] == "succeeded") == theirs
        assert {row["state"] for row in refunds} == {"succeeded", "failed"}
        assert sum([(await made.charge(charge))["refunded"] for charge in charges]) == theirs
        left = 3600 - theirs
        assert await made.balances() == {f"channel_clearing:{name}": left, "operator_pending:mira": -left}


async def test_a_channel_that_does_not_answer_is_left_alone_and_found_again(world: Any) -> None:
    async with world(Mischief(broken=1.0)) as made:
        charges = [await made.owes("wechat", number=n, plate=f"辽A1234{n}") for n in range(9)]
        for charge in charges:
            await made.collect.handle(charge.encode())

        def talks(ended: str) -> float | None:
            labels = {"channel": "wechat", "about": "payment", "ended": ended}
            found: float | None = made.registry.get_sample_value("berth_channel_talks_total", labels)
            return found

        assert (talks("away"), talks("put_off")) == (3, 6)
        (fewest,) = await made.rows("SELECT min(attempts) AS n FROM billing.payment")
        assert fewest["n"] == 0  # what was put off was not tried
        made.theirs.wechat.dice = Dice(Mischief())
        await made.settle()
        assert sorted(made.paid) == sorted(charges)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", ["wrong_amount", "stale_time", "bad_signature", "sign_test"])
async def test_what_is_not_so_moves_nothing(world: Any, eventually: Eventually, name: str, fault: str) -> None:
    async with world(msgspec.convert({fault: 1.0}, Mischief)) as made:
        charge = await made.owes(name)
        payment = await made.pays(charge, name)
        await made.carry.handle(payment["id"].encode())
        channel = getattr(made.theirs, name)
        channel.pay(payment["out_trade_no"])
        await eventually(lambda: channel.teller.told)
        assert (await made.charge(charge))["state"] == "due"
        assert channel.teller.told[0].is_taken == (fault == "wrong_amount")
        assert await made.outcomes() == (["quarantined"] if fault == "wrong_amount" else [])
        await made.settle()  # the channel's own answer is the truth
        assert (await made.charge(charge))["state"] == "paid"


async def test_wechat_tells_of_another_vehicle(world: Any, eventually: Eventually) -> None:
    async with world(Mischief(wrong_plate=1.0)) as made:
        charge = await made.owes("wechat")
        await made.collect.handle(charge.encode())
        made.clock.advance(3)
        await eventually(lambda: made.theirs.wechat.teller.told)
        assert await made.outcomes() == ["quarantined"]
        assert (await made.charge(charge))["state"] == "accepted"
        await made.settle()
        assert (await made.charge(charge))["state"] == "paid"


async def test_wechat_advances_and_is_paid_back(world: Any, eventually: Eventually) -> None:
    async with world(Mischief(advanced=1.0, repaid_after_s=60)) as made:
        charge = await made.owes("wechat")
        await made.collect.handle(charge.encode())
        made.clock.advance(3)

        async def is_advanced() -> bool:
            return bool((await made.charge(charge))["is_advanced"])

        async def is_repaid() -> bool:
            made.clock.advance(5)
            return not await is_advanced()

        await eventually(is_advanced)
        await eventually(is_repaid)
        assert await made.balances() == {"channel_clearing:wechat": 1200, "operator_pending:mira": -1200}


@pytest.mark.parametrize("name", NAMES)
async def test_what_cannot_be_collected_is_due_again(world: Any, name: str) -> None:
    async with world(Mischief(fails=1.0)) as made:
        charge = await made.owes(name)
        await made.collect.handle(charge.encode())
        made.clock.advance(3)
        await made.settle()
        assert (await made.charge(charge))["state"] == "due"
        assert await made.balances() == {"payer:辽A12345|blue": 1200, "operator_pending:mira": -1200}


async def test_a_vehicle_s_state_is_asked_for_announced_and_told(world: Any, eventually: Eventually) -> None:
    async with world() as made:
        wechat, clock = made.channels.chosen("wechat"), made.clock
        car = Plate("辽A12345", "blue")
        await made.owes("wechat")
        assert await wechat.eligibility(car, "openid-ann") is PlateState.NORMAL
        assert await wechat.eligibility(car, None) is PlateState.OUT_SERVICE
        entry = Entry(
            session="ses_" + "0" * 32, vehicle=car, car_park="sy-1", car_park_name="中街", entry_at=clock.now()
        )
        announced = await wechat.announce(entry)
        assert announced.parking_id
        assert announced.plate is PlateState.NORMAL
        assert await wechat.announce(entry) == announced
        made.theirs.wechat.set_plate(TheirVehicle("辽A12345", "blue"), TheirState.PAUSE)

        async def is_paused() -> bool:
            clock.advance(1)
            (row,) = await made.rows("SELECT state FROM billing.agreement")
            return bool(row["state"] == "paused")

        await eventually(is_paused)
        assert await wechat.eligibility(car, "openid-ann") is PlateState.PAUSE
        clock.advance(1)
        made.theirs.wechat.set_plate(TheirVehicle("辽A12345", "blue"), TheirState.NORMAL)

        async def is_active() -> bool:
            clock.advance(1)
            return not await is_paused()

        await eventually(is_active)
        alipay = made.channels.chosen("alipay")
        assert await alipay.eligibility(car, None) is PlateState.NORMAL
        assert (await alipay.announce(entry)).plate is PlateState.NORMAL


async def test_an_answer_that_never_comes_is_away_and_not_refused(world: Any, eventually: Eventually) -> None:
    async with world(Mischief(lost_answer=1.0)) as made:
        charge = await made.owes("wechat")
        await made.collect.handle(charge.encode())
        (payment,) = await made.rows("SELECT * FROM billing.payment")
        assert (payment["state"], payment["attempts"]) == ("created", 1)
        assert "not reached" in payment["error"]


async def test_a_wrong_key_is_an_answer_that_nobody_believes(world: Any, folder: Path) -> None:
    """Whoever stands between us and the channel can say what he likes."""
    async with world() as made:
        mallory = Path(folder).parent / "mallory"
        parties = parties_in(mallory, made.clock.now())
        async with simulated_channels(parties, made.clock) as theirs:
            wechat = made.channels.chosen("wechat")
            wechat._client._gateway = theirs.url
            charge = await made.owes("wechat")
            await made.collect.handle(charge.encode())
            (payment,) = await made.rows("SELECT * FROM billing.payment")
            assert payment["state"] == "created"
            assert (await made.charge(charge))["state"] == "due"


@pytest.mark.parametrize("seed", [11, 12, 13])
async def test_everything_at_once_converges_to_the_channel_s_truth(
    world: Any, eventually: Eventually, seed: int
) -> None:
    """Busy, broken, silent, double, late, reordered, lost, forged: what we have in the end is what they have."""
    mischief = Mischief(
        seed=seed,
        busy=0.1,
        broken=0.05,
        broken_after=0.1,
        fails=0.2,
        advanced=0.1,
        twice=0.3,
        late=0.2,
        out_of_order=0.2,
        never=0.2,
        wrong_amount=0.1,
        wrong_plate=0.1,
        stale_time=0.1,
        bad_signature=0.1,
        sign_test=0.1,
        pending=0.3,
    )
    async with world(mischief) as made:
        charges = {}
        for n in range(20):
            name = NAMES[n % 2]
            charges[await made.owes(name, number=n, plate=f"辽A123{n:02d}", amount=100 + n)] = name
        await asyncio.gather(*(made.collect.handle(charge.encode()) for charge in charges))
        for _ in range(200):
            made.clock.advance(60)
            await made.poll()
        await made.settle(minutes=24 * 60)
        await eventually(lambda: True)
        for charge, name in charges.items():
            (payment,) = await made.rows(
                "SELECT payment.* FROM billing.payment JOIN billing.payment_charge ON payment = id WHERE charge = $1",
                charge,
            )
            theirs = getattr(made.theirs, name).truth.orders.get(payment["out_trade_no"])
            is_theirs = theirs is not None and theirs.state is OrderState.SUCCEEDED
            ours = await made.charge(charge)
            assert (ours["state"] == "paid") == is_theirs, (name, ours["state"], theirs)
            assert made.paid.count(charge) == int(is_theirs)
        assert set(await made.outcomes()) <= {"taken", "known", "quarantined"}
        total = sum([(await made.charge(charge))["paid"] for charge in charges])
        clearing = [amount for account, amount in (await made.balances()).items() if account.startswith("channel")]
        assert sum(clearing) == total
