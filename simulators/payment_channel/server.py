"""Both channels on one port: put together, started and stopped."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
from aiohttp import web

from simulators.clock import Clock
from simulators.payment_channel.agenda import Agenda
from simulators.payment_channel.alipay_http import AlipayHttp
from simulators.payment_channel.alipay_voice import AlipayVoice
from simulators.payment_channel.answers import BODY_BYTES_MAX
from simulators.payment_channel.bill import Bills
from simulators.payment_channel.channel import Channel
from simulators.payment_channel.control import Control
from simulators.payment_channel.mischief import Dice, Mischief
from simulators.payment_channel.notices import Teller, Voice
from simulators.payment_channel.parties import Parties
from simulators.payment_channel.truth import Truth
from simulators.payment_channel.wechat_books import WeChatBooks
from simulators.payment_channel.wechat_desk import WeChatDesk
from simulators.payment_channel.wechat_orders import WeChatOrders
from simulators.payment_channel.wechat_voice import WeChatVoice
from simulators.payment_channel.wechat_words import BEIJING

_GOODBYE_S: Final = 1.0
_CONNECTIONS_MAX: Final = 16


class SimulatedChannels:
    """Running. `url` is where both listen; `wechat` and `alipay` are what they know and do."""

    def __init__(self, url: str, wechat: Channel, alipay: Channel, bills: dict[str, Bills], agenda: Agenda) -> None:
        self.url, self.wechat, self.alipay, self.bills, self.agenda = url, wechat, alipay, bills, agenda


@contextlib.asynccontextmanager
async def simulated_channels(
    parties: Parties, clock: Clock, mischief: Mischief | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[SimulatedChannels]:
    """Listening until left; `port` 0 is a free one. Raises OSError when it is taken."""
    agenda = Agenda(clock)
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS_MAX))
    async with session, contextlib.AsyncExitStack() as stack:

        def made(prefix: str, voice: Voice) -> tuple[Channel, Bills]:
            truth, dice = Truth(prefix), Dice(mischief or Mischief(), prefix)
            channel = Channel(truth, dice, agenda, clock, Teller(voice, agenda, dice, clock, session))
            return channel, Bills(truth, dice, BEIJING)

        wechat, wechat_bills = made("42", WeChatVoice(parties.wechat))
        alipay, alipay_bills = made("20", AlipayVoice(parties.alipay))
        desk = WeChatDesk(wechat, parties.wechat)
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.add_routes(
            [
                *WeChatOrders(desk).routes(),
                *WeChatBooks(desk, wechat_bills).routes(),
                *AlipayHttp(alipay, alipay_bills, parties.alipay).routes(),
                *Control({"wechat": (wechat, wechat_bills), "alipay": (alipay, alipay_bills)}).routes(),
            ]
        )
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_GOODBYE_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, host, port)
        await site.start()
        listening = runner.addresses[0]
        working = asyncio.create_task(agenda.run())
        bills = {"wechat": wechat_bills, "alipay": alipay_bills}
        try:
            yield SimulatedChannels(f"http://{host}:{listening[1]}", wechat, alipay, bills, agenda)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
