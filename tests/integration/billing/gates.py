"""Vehicles that drive through the lanes of a car park: everything goes the way that the gateway takes, but for MQTT."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from billing import service as billing
from billing.channels.protocol import PaymentTold, Standing
from billing.close_sessions import close_session_of
from billing.settle_payment import settle_payment
from billing.sql import payments
from contracts.facts import Facts, PassageSeen
from contracts.ids import CarParkId
from gateway.give_order import give_order
from kernel.db import Row
from kernel.ids import new_id
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from reservation import service as reservation
from tests.integration.billing.conftest import CAR, PARK, Site

_ids = count(1)


class Gates:
    """Of the site's car park."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._recorder = Recorder(OccupancySettings())
        self._handlers = (reservation.on_passages(give_order), billing.on_passages(give_order))

    def passage(
        self, direction: str, vehicle: dict[str, str] | None = None, *, minute: float | None = None, **changes: Any
    ) -> PassageSeen:
        """Now, or so many minutes after the clock's beginning."""
        now, vehicle = self.site.clock.now(), CAR if vehicle is None else vehicle
        said: dict[str, Any] = {
            "car_park": CarParkId(PARK),
            "id": f"p-{next(_ids)}",
            "lane": "E1" if direction == "entry" else "X1",
            "direction": direction,
            "plate": vehicle.get("plate"),
            "color": vehicle.get("color"),
            "vehicle_class": "small",
            "confidence": 0.98,
            "image": None,
            "ticket": None,
            "at": now if minute is None else START + timedelta(minutes=minute),
            "received_at": now,
        }
        return PassageSeen(**{**said, **changes})

    async def tell(self, *passages: PassageSeen) -> None:
        """In one batch."""
        async with self.site.database.transaction() as tx:
            recorded = await self._recorder.record_facts(tx, Facts(passages=passages))
            if recorded.new_passages:
                for handle in self._handlers:
                    await handle(tx, recorded.new_passages)

    async def drive(self, direction: str, vehicle: dict[str, str] | None = None, **changes: Any) -> str:
        """One passage; its id."""
        seen = self.passage(direction, vehicle, **changes)
        await self.tell(seen)
        return seen.id

    async def park(self, minutes: float, vehicle: dict[str, str] | None = None, **changes: Any) -> None:
        """In, and out after so many minutes."""
        await self.drive("entry", vehicle, **changes)
        self.site.clock.advance(60 * minutes)
        await self.drive("exit", vehicle, **changes)

    async def sessions(self) -> list[Row]:
        """In the order in which they were begun."""
        return await self.site.rows("SELECT * FROM billing.session ORDER BY id")

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.sessions()]

    async def charges(self) -> list[tuple[str, int]]:
        """(state, amount) of each."""
        return [
            (row["state"], row["amount"])
            for row in await self.site.rows("SELECT state, amount FROM billing.charge ORDER BY id")
        ]

    async def pay(self) -> None:
        """All that is owed, each charge as its channel tells it."""
        wanted = "SELECT * FROM billing.charge WHERE state IN ('due', 'quoted', 'adjusted') ORDER BY id"
        for row in await self.site.rows(wanted):
            async with self.site.database.transaction() as tx:
                parts = [(row["id"], row["amount"] - row["paid"])]
                payment = await payments.insert(
                    tx,
                    new_id("pay", tx.now),
                    way="now",
                    driver=None,
                    plate=row["plate"],
                    color=row["color"],
                    channel="sandbox",
                    out_trade_no=new_id("no", tx.now),
                    parts=parts,
                    ordered={},
                )
                told = PaymentTold(
                    out_trade_no=payment["out_trade_no"],
                    standing=Standing.SUCCEEDED,
                    amount=parts[0][1],
                    transaction=payment["out_trade_no"],
                )
                await settle_payment(tx, payment, told, close_session_of)

    async def orders(self, *kinds: str) -> list[tuple[str, str | None, str | None]]:
        """What devices were told so far, in order: (kind, lane, reason)."""
        rows = await self.site.rows(
            "SELECT kind, lane, reason FROM gateway.device_order "
            "WHERE cardinality($1::text[]) = 0 OR kind = ANY ($1) ORDER BY given_at, id",
            kinds,
        )
        return [(row["kind"], row["lane"], row["reason"]) for row in rows]


START = datetime.fromisoformat("2026-11-23T00:00:00+00:00")
"""Where the clock of a test begins."""
