"""One talk with the channel about one payment: what it needs is read, it is asked, and its answer becomes true here.

Three phases, so that no transaction waits for anybody's machine. Whoever talks has claimed the payment for as long as a
lease; `attempts` was counted up before anything was sent, so that whoever comes after one that died asks what became of
it before sending it again. It is sent again under the same number and in the same words, which makes it the same order.
"""

from datetime import timedelta
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from billing.channel_meters import ChannelMeters
from billing.channels.offered import Channels
from billing.channels.protocol import (
    Action,
    ChannelAway,
    ChannelRefused,
    LaterOrder,
    NowOrder,
    PaymentChannel,
    PaymentTold,
    Standing,
)
from billing.charge_lifecycle import State as ChargeState
from billing.payment_lifecycle import UNDER_WAY, State, ask_again_after
from billing.quarantine import QUERY, quarantine
from billing.settle_payment import COLLECTABLE, DoesNotFit, OnPaid, settle_payment
from billing.sql import announcements, charges
from billing.sql import payments as sql
from billing.undone import again_if_undone
from kernel.db import Database, Row, Tx

NO_LONGER_OWED: Final = "not owed any more"
ABOUT: Final = "payment"
OVER: Final = "nobody paid in time, or it is paid another way"
GRACE: Final = timedelta(seconds=30)
"""The channel closes a code by itself when it is over; whoever paid in the last second is known to it by then."""

log = structlog.get_logger(__name__)


class CarryPayment:
    """For the jobs `billing.send` and `billing.collect`, and for the loop."""

    def __init__(self, database: Database, channels: Channels, on_paid: OnPaid, meters: ChannelMeters) -> None:
        self._database = database
        self._channels = channels
        self._on_paid = on_paid
        self._meters = meters

    async def handle(self, payload: bytes) -> None:
        """The job: `payload` is a payment's id. What does not work out is left to the loop."""
        async with self._database.transaction() as tx:
            row = await sql.claim(tx, payload.decode())
        if row is not None:
            await self.carry(row)

    async def drop(self, payload: bytes) -> None:
        """The job `billing.drop`: look at once whether it is still to be paid."""
        async with self._database.transaction() as tx:
            await sql.ask_now(tx, payload.decode())
        await self.handle(payload)

    async def carry(self, row: Row) -> None:
        """`row` was claimed."""
        channel = self._channels.known(row["channel"])
        if channel is None:
            await self._later(row, f"{row['channel']} is not configured here")
            return
        patience, clock = self._channels.patience, self._database.clock
        if rest_s := patience.rest_s(channel.name, clock.monotonic()):
            async with self._database.transaction() as tx:
                await sql.put_off(tx, row, tx.now + timedelta(seconds=rest_s))
            self._meters.ended(channel.name, ABOUT, "put_off")
            return
        try:
            told, action = await self._talk(channel, row)
        except ChannelAway as away:
            patience.failed(channel.name, clock.monotonic())
            self._meters.ended(channel.name, ABOUT, "away")
            await self._later(row, str(away))
        except ChannelRefused as refused:
            patience.answered(channel.name)
            self._meters.ended(channel.name, ABOUT, "refused")
            await self._later(row, f"refused an answer: {refused}")
        else:
            patience.answered(channel.name)
            self._meters.ended(channel.name, ABOUT, "answered")
            await again_if_undone(partial(self._apply, row["id"], told, action))

    async def _talk(self, channel: PaymentChannel, row: Row) -> tuple[PaymentTold, Action | None]:
        """Raises ChannelAway, ChannelRefused where nothing was sent."""
        is_over = await self._is_over(row)
        if row["attempts"] > 1 or row["state"] != State.CREATED:
            pays_later = row["way"] == "later"
            told = await channel.query(row["out_trade_no"], pays_later=pays_later)
            if is_over and told.standing is Standing.WAITING:
                await channel.close(row["out_trade_no"])
                told = await channel.query(row["out_trade_no"], pays_later=pays_later)
            if told.standing is not Standing.UNKNOWN:
                return told, None
            if row["state"] == State.ACCEPTED:
                raise ChannelAway("knows nothing of what it had accepted")
        if is_over:
            return PaymentTold(out_trade_no=row["out_trade_no"], standing=Standing.CLOSED, error=OVER), None
        if row["state"] == State.SENT:  # a code that nobody has scanned yet is known to some channels only from then on
            return PaymentTold(out_trade_no=row["out_trade_no"], standing=Standing.WAITING), None
        return await self._send(channel, row)

    async def _is_over(self, row: Row) -> bool:
        """A code that had its time, or for whose charges the money comes another way."""
        if row["way"] == "later":
            return False
        if row["expires_at"] is not None and row["expires_at"] + GRACE <= self._database.clock.now():
            return True
        async with self._database.transaction(readonly=True) as tx:
            return not await _is_still_owed(tx, row)

    async def _send(self, channel: PaymentChannel, row: Row) -> tuple[PaymentTold, Action | None]:
        number = row["out_trade_no"]
        async with self._database.transaction(readonly=True) as tx:
            if not await _is_still_owed(tx, row):
                return PaymentTold(out_trade_no=number, standing=Standing.CLOSED, error=NO_LONGER_OWED), None
            order = await _order(tx, row)
        try:
            if isinstance(order, LaterOrder):
                return await channel.charge(order), None
            action = await channel.order(order)
        except ChannelRefused as refused:
            return PaymentTold(out_trade_no=number, standing=Standing.FAILED, error=str(refused)), None
        return PaymentTold(out_trade_no=number, standing=Standing.WAITING), action

    async def _apply(self, payment: str, told: PaymentTold, action: Action | None) -> None:
        async with self._database.transaction() as tx:
            row = await sql.lock(tx, payment)
            if row is None:
                return
            error = told.error
            try:
                row = await settle_payment(tx, row, told, self._on_paid) or row
            except DoesNotFit as reason:
                error = str(reason)
                said: dict[str, Any] = msgspec.to_builtins(told)
                await quarantine(tx, row["channel"], None, kind=QUERY, told=said, reason=error, payment=row["id"])
            if row["state"] in UNDER_WAY:
                again = tx.now + ask_again_after(row["attempts"], is_waited_for=row["way"] == "now")
                what_to_do = None if action is None else msgspec.to_builtins(action)
                await sql.later(tx, row, again, error=error, action=what_to_do)

    async def _later(self, row: Row, error: str) -> None:
        async with self._database.transaction() as tx:
            again = tx.now + ask_again_after(row["attempts"], is_waited_for=row["way"] == "now")
            await sql.later(tx, row, again, error=error[:200])
        log.info("payment is asked for again", payment=row["id"], channel=row["channel"], error=error)


async def _is_still_owed(tx: Tx, row: Row) -> bool:
    """Every part of it, to the fen: what was paid, made less or void meanwhile is not asked for."""
    owed = await sql.pays(tx, row["id"])
    if any(charges.charge_of(charge).open != charge["asked"] for charge in owed):
        return False
    if row["way"] == "now":
        return all(charge["state"] != ChargeState.ACCEPTED for charge in owed)
    return all(charge["state"] in COLLECTABLE | {ChargeState.ACCEPTED} for charge in owed)


async def _order(tx: Tx, row: Row) -> LaterOrder | NowOrder:
    """As it was asked for; with the channel's name of the entry, where it has one."""
    if row["way"] == "now":
        return msgspec.convert(row["ordered"], NowOrder)
    order = msgspec.convert(row["ordered"], LaterOrder)
    if order.parking_id is not None:
        return order
    announced = await announcements.known(tx, order.entry.session, row["channel"])
    return order if announced is None else msgspec.structs.replace(order, parking_id=announced["parking_id"])
