"""What a driver's app asks about money: an agreement, what is due, a payment."""

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from contracts.wire import Plate
from simulators.driver_api import DriverApi

CHANNEL: Final = "sandbox"


class MoneyTold(Struct, frozen=True):
    """Fen."""

    amount: int


class ChargeTold(Struct, frozen=True):
    """One of `GET /v1/charges`."""

    id: str
    state: str
    open: MoneyTold


class _Charges(Struct):
    items: list[ChargeTold] = field(default_factory=list)


class _Action(Struct):
    url: str


class PaymentTold(Struct, frozen=True):
    """A payment as its driver sees it."""

    id: str
    state: str
    action: _Action | None = None


class BillingApi:
    """Over the session of `api`, each driver with his own token."""

    def __init__(self, api: DriverApi) -> None:
        self._api = api

    async def agree(self, token: str, plate: Plate, channel: str = CHANNEL) -> None:
        """Leave first, pay later, for this vehicle. Raises NotAllowed, Unavailable."""
        body = {"vehicle": {"plate": plate.plate, "color": plate.color}, "channel": channel}
        await self._api.ask("POST", "/v1/agreements", token=token, body=body)

    async def due(self, token: str) -> list[ChargeTold]:
        """What is to be paid by the driver himself. Raises NotAllowed, Unavailable."""
        found: list[ChargeTold] = []
        for state in ("due", "overdue"):
            answer = await self._api.ask("GET", "/v1/charges", token=token, params={"state": state})
            found += msgspec.json.decode(answer, type=_Charges).items
        return [charge for charge in found if charge.open.amount > 0]

    async def pay(self, token: str, charges: list[ChargeTold], channel: str = CHANNEL) -> PaymentTold:
        """All at once, in the sandbox; what it was when its button had been pressed. Raises NotAllowed, Unavailable."""
        body: dict[str, Any] = {"charges": [charge.id for charge in charges], "channel": channel}
        answer = await self._api.ask("POST", "/v1/payments", token=token, body=body)
        payment = msgspec.json.decode(answer, type=PaymentTold)
        if payment.action is not None:
            await self._api.ask("POST", urlsplit(payment.action.url).path)
        answer = await self._api.ask("GET", f"/v1/payments/{payment.id}", token=token)
        return msgspec.json.decode(answer, type=PaymentTold)
