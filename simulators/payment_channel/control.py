"""What a test may ask of the channels and tell them: their truth, the differences they put in, what goes wrong.

`GET  /_simulator/{channel}/truth`               orders, refunds, entries, plates as the channel knows them
`GET  /_simulator/{channel}/told`                every attempt to tell a notice
`GET  /_simulator/{channel}/bills/{day}`         the bill's lines, and the differences that the seed put in
`PUT  /_simulator/{channel}/mischief`            rates, seconds and seed from now on
`PUT  /_simulator/{channel}/plates`              {"plate","color","state"}
`POST /_simulator/{channel}/orders/{n}/pay`      the driver pays a code; `/repay` what the channel advanced
It is no channel's own, and open to whoever reaches it: it belongs on a loopback address.
"""

from datetime import date
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from simulators.payment_channel.bill import Bills
from simulators.payment_channel.channel import Channel
from simulators.payment_channel.mischief import Dice, Mischief
from simulators.payment_channel.truth import NoSuchNumber, PlateState, Vehicle, WrongMoment

PREFIX = "/_simulator"


class PlateSet(Struct, frozen=True):
    """A vehicle and what it is to the channel from now on."""

    plate: str
    color: str
    state: PlateState


class Control:
    """Handlers for channels by name."""

    def __init__(self, channels: dict[str, tuple[Channel, Bills]]) -> None:
        self._channels = channels

    def routes(self) -> list[web.RouteDef]:
        base = f"{PREFIX}/{{channel}}"
        return [
            web.get(f"{base}/truth", self._truth),
            web.get(f"{base}/told", self._told),
            web.get(f"{base}/bills/{{day}}", self._bill),
            web.put(f"{base}/mischief", self._mischief),
            web.put(f"{base}/plates", self._plate),
            web.post(f"{base}/orders/{{number}}/pay", self._pay),
            web.post(f"{base}/orders/{{number}}/repay", self._repay),
        ]

    async def _truth(self, request: web.Request) -> web.Response:
        truth = self._of(request)[0].truth
        plates = [PlateSet(vehicle.plate, vehicle.color, state) for vehicle, state in truth.plates.items()]
        return _json(
            {
                "orders": list(truth.orders.values()),
                "refunds": list(truth.refunds.values()),
                "entries": list(truth.entries.values()),
                "plates": plates,
            }
        )

    async def _told(self, request: web.Request) -> web.Response:
        teller = self._of(request)[0].teller
        return _json({"told": teller.told, "never": teller.never})

    async def _bill(self, request: web.Request) -> web.Response:
        try:
            day = date.fromisoformat(request.match_info["day"])
        except ValueError:
            raise web.HTTPBadRequest(text="a day is YYYY-MM-DD") from None
        return _json(self._of(request)[1].of(day))

    async def _mischief(self, request: web.Request) -> web.Response:
        channel, bills = self._of(request)
        try:
            mischief = msgspec.json.decode(await request.read(), type=Mischief)
        except (msgspec.DecodeError, ValueError) as wrong:
            raise web.HTTPBadRequest(text=str(wrong)) from wrong
        channel.dice = channel.teller.dice = bills.dice = Dice(mischief, request.match_info["channel"])
        return _json(mischief)

    async def _plate(self, request: web.Request) -> web.Response:
        try:
            wanted = msgspec.json.decode(await request.read(), type=PlateSet)
        except msgspec.DecodeError as wrong:
            raise web.HTTPBadRequest(text=str(wrong)) from wrong
        self._of(request)[0].set_plate(Vehicle(wanted.plate, wanted.color), wanted.state)
        return _json(wanted)

    async def _pay(self, request: web.Request) -> web.Response:
        return self._moved(request, self._of(request)[0].pay)

    async def _repay(self, request: web.Request) -> web.Response:
        return self._moved(request, self._of(request)[0].repay)

    def _moved(self, request: web.Request, move: Any) -> web.Response:
        try:
            return _json(move(request.match_info["number"]))
        except NoSuchNumber:
            raise web.HTTPNotFound(text="no such order") from None
        except WrongMoment:
            raise web.HTTPConflict(text="not as it stands") from None

    def _of(self, request: web.Request) -> tuple[Channel, Bills]:
        found = self._channels.get(request.match_info["channel"])
        if found is None:
            raise web.HTTPNotFound(text=f"channels are {', '.join(self._channels)}")
        return found


def _json(said: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(said), content_type="application/json")
