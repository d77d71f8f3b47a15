"""One talk with the channel about one refund; the same three phases as `carry_payment`."""

from datetime import timedelta
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from billing.channel_meters import ChannelMeters
from billing.channels.offered import Channels
from billing.channels.protocol import (
    ChannelAway,
    ChannelRefused,
    PaymentChannel,
    RefundOrder,
    RefundStanding,
    RefundTold,
)
from billing.payment_lifecycle import REFUND_UNDER_WAY, ask_again_after
from billing.quarantine import QUERY, quarantine
from billing.settle_payment import DoesNotFit
from billing.settle_refund import settle_refund
from billing.sql import payments
from billing.sql import refunds as sql
from billing.undone import again_if_undone
from kernel.db import Database, Row

ABOUT: Final = "refund"

log = structlog.get_logger(__name__)


class CarryRefund:
    """For the job `billing.refund`, and for the loop."""

    def __init__(self, database: Database, channels: Channels, meters: ChannelMeters) -> None:
        self._database = database
        self._channels = channels
        self._meters = meters

    async def handle(self, payload: bytes) -> None:
        """The job: `payload` is a refund's id. What does not work out is left to the loop."""
        async with self._database.transaction() as tx:
            row = await sql.claim(tx, payload.decode())
        if row is not None:
            await self.carry(row)

    async def carry(self, row: Row) -> None:
        """`row` was claimed."""
        async with self._database.transaction(readonly=True) as tx:
            payment = await payments.read(tx, row["payment"])
        channel = None if payment is None else self._channels.known(payment["channel"])
        if payment is None or channel is None:
            await self._later(row, "its channel is not configured here")
            return
        patience, clock = self._channels.patience, self._database.clock
        if rest_s := patience.rest_s(channel.name, clock.monotonic()):
            async with self._database.transaction() as tx:
                await sql.put_off(tx, row, tx.now + timedelta(seconds=rest_s))
            self._meters.ended(channel.name, ABOUT, "put_off")
            return
        try:
            told = await _talk(channel, row, payment)
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
            await again_if_undone(partial(self._apply, row, told))

    async def _apply(self, claimed: Row, told: RefundTold) -> None:
        async with self._database.transaction() as tx:
            payment = await payments.lock(tx, claimed["payment"])
            row = await sql.lock(tx, claimed["id"])
            if payment is None or row is None:
                return
            error = told.error
            try:
                row = await settle_refund(tx, row, told, channel=payment["channel"]) or row
            except DoesNotFit as reason:
                error = str(reason)
                said: dict[str, Any] = msgspec.to_builtins(told)
                await quarantine(
                    tx, payment["channel"], None, kind=QUERY, told=said, reason=error, payment=payment["id"]
                )
            if row["state"] in REFUND_UNDER_WAY:
                again = tx.now + ask_again_after(row["attempts"], is_waited_for=False)
                await sql.later(tx, row, again, error=error)

    async def _later(self, row: Row, error: str) -> None:
        async with self._database.transaction() as tx:
            await sql.later(tx, row, tx.now + ask_again_after(row["attempts"], is_waited_for=False), error=error[:200])
        log.info("refund is asked for again", refund=row["id"], error=error)


async def _talk(channel: PaymentChannel, row: Row, payment: Row) -> RefundTold:
    """Raises ChannelAway, ChannelRefused where nothing was sent."""
    if row["attempts"] > 1:
        told = await channel.query_refund(row["out_refund_no"], payment["out_trade_no"])
        if told.standing is not RefundStanding.UNKNOWN:
            return told
    order = RefundOrder(
        out_refund_no=row["out_refund_no"],
        out_trade_no=payment["out_trade_no"],
        amount=row["amount"],
        paid=payment["amount"],
        reason=row["reason"],
    )
    try:
        return await channel.refund(order)
    except ChannelRefused as refused:
        return RefundTold(out_refund_no=row["out_refund_no"], standing=RefundStanding.FAILED, error=str(refused))
