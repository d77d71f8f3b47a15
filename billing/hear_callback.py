"""A payment channel speaks: its bytes are verified before anything in them is looked at, and take effect once.

Deduplicated twice, by the channel's own number of the notification and by the state of what it is about; both in one
transaction with the effect, so that whoever dies in between is told again. What cannot be right (a number that we never
gave, another amount, another vehicle) is set aside for a person, and moves nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import structlog

from billing.agree import CONFIRM
from billing.channels.protocol import (
    CallbackRefused,
    Heard,
    PaymentChannel,
    PaymentTold,
    PlateState,
    PlateTold,
    RefundStanding,
    RefundTold,
    Reply,
)
from billing.channels.sandbox import SandboxChannel
from billing.follow_plate import follow_plate
from billing.quarantine import quarantine
from billing.settle_payment import DoesNotFit, OnPaid, settle_payment
from billing.settle_refund import settle_refund
from billing.sql import callbacks as sql
from billing.sql import payments, refunds
from billing.undone import again_if_undone
from kernel.db import Database, Row, Tx
from kernel.jobs import enqueue

NOTIFICATIONS_MAX: Final = 200

log = structlog.get_logger(__name__)


async def hear_callback(
    database: Database, channel: PaymentChannel, headers: Mapping[str, str], body: bytes, on_paid: OnPaid
) -> Reply:
    """How the channel wants to be answered. Raises what the database raises: the channel tells it again."""
    try:
        heard = channel.hear(headers, body, database.clock.now())
    except CallbackRefused as reason:
        log.warning("a callback was refused", channel=channel.name, reason=str(reason))
        return channel.reply(is_taken=False, is_verified=False)

    async def take() -> None:
        async with database.transaction() as tx:
            await take_heard(tx, channel.name, heard, on_paid)

    await again_if_undone(take)
    return channel.reply(is_taken=True)


async def hear_sandbox(database: Database, sandbox: SandboxChannel | None, on_paid: OnPaid) -> None:
    """What the sandbox has to tell by now, as if it had come over the network."""
    if sandbox is None:
        return
    for headers, body in await sandbox.notifications(NOTIFICATIONS_MAX):
        await hear_callback(database, sandbox, headers, body, on_paid)


async def take_heard(tx: Tx, channel: str, heard: Heard, on_paid: OnPaid) -> None:
    """Its effect, once."""
    match heard.told:
        case PaymentTold() as told if heard.id:
            payment = await payments.lock_number(tx, channel, told.out_trade_no)
            if payment is None:
                await _set_aside(tx, channel, heard, "it names a number that we never gave")
            elif not await sql.is_known(tx, channel, heard.id):
                await _take_payment(tx, payment, heard, told, on_paid)
        case RefundTold() as told if heard.id:
            await _take_refund(tx, channel, heard, told)
        case PlateTold() as told if heard.id:
            if not await sql.is_known(tx, channel, heard.id):
                await _take_plate(tx, channel, heard, told)
        case _:
            await _set_aside(tx, channel, heard, "it is of a kind that we do not know")


async def _take_payment(tx: Tx, payment: Row, heard: Heard, told: PaymentTold, on_paid: OnPaid) -> None:
    channel: str = payment["channel"]
    try:
        moved = await settle_payment(tx, payment, told, on_paid)
    except DoesNotFit as reason:  # before anything was written
        await _set_aside(tx, channel, heard, str(reason), payment=payment["id"])
    else:
        await _keep(tx, channel, heard, is_new=moved is not None, payment=payment["id"])


async def _take_plate(tx: Tx, channel: str, heard: Heard, told: PlateTold) -> None:
    """Who waits before a barrier because of it goes on, once the channel has said the same of the driver."""
    agreement = await follow_plate(tx, told.plate, told.state, channel=channel, at=told.at or tx.now)
    await _keep(tx, channel, heard, is_new=agreement is not None)
    if agreement is not None and told.state is PlateState.NORMAL:
        await enqueue(tx, CONFIRM, agreement.encode())


async def _take_refund(tx: Tx, channel: str, heard: Heard, told: RefundTold) -> None:
    known = await refunds.of_number(tx, channel, told.out_refund_no)
    payment = None if known is None else await payments.lock(tx, known["payment"])
    refund = None if known is None else await refunds.lock(tx, known["id"])
    if payment is None or refund is None:
        await _set_aside(tx, channel, heard, "it names a refund that we never asked for")
        return
    if await sql.is_known(tx, channel, heard.id):
        return
    try:
        moved = await settle_refund(tx, refund, told, channel=channel)
    except DoesNotFit as reason:
        await _set_aside(tx, channel, heard, str(reason), payment=payment["id"])
        return
    if told.standing is RefundStanding.PROCESSING:
        await refunds.ask_now(tx, refund["id"])
    await _keep(tx, channel, heard, is_new=moved is not None, payment=payment["id"])


async def _keep(tx: Tx, channel: str, heard: Heard, *, is_new: bool, payment: str | None = None) -> None:
    outcome = "taken" if is_new else "known"
    await sql.keep(tx, channel, heard.id, kind=heard.kind, outcome=outcome, told=_plain(heard), payment=payment)


async def _set_aside(tx: Tx, channel: str, heard: Heard, reason: str, *, payment: str | None = None) -> None:
    told = _plain(heard)
    await quarantine(tx, channel, heard.id or None, kind=heard.kind, told=told, reason=reason, payment=payment)


def _plain(heard: Heard) -> dict[str, Any]:
    """As it is kept: what PostgreSQL cannot hold is marked."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(heard.raw).replace(b"\\u0000", b"\\ufffd"))
    return plain
