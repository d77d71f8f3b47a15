"""Running channels, a merchant of each, and an ear that hears their notices."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from kernel.clock import ManualClock
from simulators.payment_channel.mischief import Mischief
from simulators.payment_channel.parties import Parties, make_parties
from simulators.payment_channel.server import SimulatedChannels, simulated_channels
from tests.integration.simulators.payment_channel.merchants import AlipayMerchant, WeChatMerchant


@pytest.fixture(scope="session")
def parties() -> Parties:
    """Keys take a second to make."""
    from kernel.clock import SystemClock

    return make_parties(SystemClock().now())


class Ear:
    """Hears notices; answers with `says`, the next of them first."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.says: list[tuple[int, bytes]] = []
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append((dict(request.headers), await request.read()))
        status, body = self.says.pop(0) if self.says else (200, b"success")
        return web.Response(status=status, body=body)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    made = Ear()
    application = web.Application()
    application.router.add_post("/notify", made.hear)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/notify"
    yield made
    await runner.cleanup()


class Play:
    """Channels with `mischief`, and both merchants."""

    def __init__(self, channels: SimulatedChannels, wechat: WeChatMerchant, alipay: AlipayMerchant, ear: Ear) -> None:
        self.channels, self.wechat, self.alipay, self.ear = channels, wechat, alipay, ear

    def entry(self, number: str = "e1", plate: str = "辽A12345", **changed: Any) -> dict[str, Any]:
        return {
            "sub_mchid": self.wechat.parties.sub_mchid,
            "out_parking_no": number,
            "plate_number": plate,
            "plate_color": "BLUE",
            "notify_url": self.ear.url,
            "start_time": "2026-11-23T07:00:00+08:00",
            "parking_name": "和平停车场",
            "free_duration": 0,
        } | changed

    def charge(self, number: str, parking_id: str, plate: str = "辽A12345", **changed: Any) -> dict[str, Any]:
        return {
            "appid": self.wechat.parties.appid,
            "sub_mchid": self.wechat.parties.sub_mchid,
            "description": "停车费",
            "out_trade_no": number,
            "trade_scene": "PARKING",
            "notify_url": self.ear.url,
            "amount": {"total": 1_200, "currency": "CNY"},
            "parking_info": {
                "parking_id": parking_id,
                "plate_number": plate,
                "plate_color": "BLUE",
                "start_time": "2026-11-23T07:00:00+08:00",
                "end_time": "2026-11-23T08:00:00+08:00",
                "parking_name": "和平停车场",
                "charging_duration": 3_600,
                "device_id": "X1",
            },
        } | changed

    async def accepted(self, number: str, plate: str = "辽A12345") -> dict[str, Any]:
        """A charge that WeChat took, and will collect."""
        entered = await self.wechat.post("/v3/vehicle/parking/parkings", self.entry(f"e-{number}", plate))
        assert entered.status == 200, entered.body
        charge = self.charge(number, entered.json["id"], plate)
        taken = await self.wechat.post("/v3/vehicle/transactions/parking", charge)
        assert taken.status == 200, taken.body
        assert taken.json["trade_state"] == "ACCEPTED"
        return charge


class Playing:
    """`async with playing(Mischief()) as play`."""

    def __init__(self, parties: Parties, clock: ManualClock, ear: Ear) -> None:
        self._parties, self._clock, self._ear = parties, clock, ear

    @asynccontextmanager
    async def __call__(self, mischief: Mischief | None = None) -> AsyncIterator[Play]:
        async with (
            simulated_channels(self._parties, self._clock, mischief) as channels,
            aiohttp.ClientSession() as session,
        ):
            wechat = WeChatMerchant(self._parties, channels.url, self._clock, session)
            alipay = AlipayMerchant(self._parties, channels.url, self._clock, session)
            yield Play(channels, wechat, alipay, self._ear)


@pytest.fixture
def playing(parties: Parties, clock: ManualClock, ear: Ear) -> Playing:
    return Playing(parties, clock, ear)


@pytest.fixture
async def play(playing: Playing) -> AsyncIterator[Play]:
    """Nothing goes wrong."""
    async with playing() as made:
        yield made
