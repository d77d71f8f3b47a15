"""The sandbox: a payment channel that lives in our own database, moves no money and needs no network.

It behaves as a real one does, always in the same way: a charge is accepted at once and collected `collects_after`
later, it tells so twice, and answers whoever asks meanwhile. What becomes of a charge is written in the plate:

    ...90001   accepted, and then not collected
    ...90002   advanced: paid out of its own pocket; the driver pays it back as long after
    ...90003   switched off by its driver (PAUSE)        ...90004   owes the channel something (OVERDUE)
    ...90005   no agreement (OUT_SERVICE)                ...90006   no answer, and collected all the same

Who pays now opens the order's address and presses the one button there. Its statements are its own: it is the other
side, and reads nothing of ours. Its notifications are signed with HMAC-SHA256 over `<unix seconds>.<body>`.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import orjson

from billing.channels.protocol import (
    Action,
    Announced,
    BillLine,
    CallbackRefused,
    ChannelAway,
    ChannelRefused,
    Entry,
    Heard,
    LaterOrder,
    LineKind,
    NowOrder,
    PaymentTold,
    Plate,
    PlateState,
    RefundOrder,
    RefundStanding,
    RefundTold,
    Reply,
    Standing,
)
from billing.channels.sandbox_book import Book
from kernel.db import Database, Row

PLATES: Final = {"90003": PlateState.PAUSE, "90004": PlateState.OVERDUE, "90005": PlateState.OUT_SERVICE}
FAILS: Final = "90001"
IS_ADVANCED: Final = "90002"
IS_SILENT: Final = "90006"
FEE_BP: Final = 60
"""What it keeps of each payment, in basis points: 0.6 %, as the others do."""
SKEW_MAX: Final = timedelta(minutes=5)
TIME_HEADER: Final = "X-Sandbox-Time"
SIGNATURE_HEADER: Final = "X-Sandbox-Signature"
ZONE: Final = ZoneInfo("Asia/Shanghai")


class SandboxChannel:
    """See `PaymentChannel`. `pay_url` is the address below which its orders are paid."""

    name = "sandbox"
    makes_up_bills = True

    def __init__(self, database: Database, *, collects_after: timedelta, secret: bytes, pay_url: str) -> None:
        self._database = database
        self._collects_after = collects_after
        self._secret = secret
        self._pay_url = pay_url.rstrip("/")

    async def eligibility(self, vehicle: Plate, contract: str | None) -> PlateState:
        return PLATES.get(vehicle.number[-5:], PlateState.NORMAL)

    async def announce(self, entry: Entry) -> Announced:
        return Announced(f"sandbox-{entry.session}", await self.eligibility(entry.vehicle, None))

    async def charge(self, order: LaterOrder) -> PaymentTold:
        vehicle = order.entry.vehicle
        if (state := PLATES.get(vehicle.number[-5:])) is not None:
            raise ChannelRefused(state.upper(), "nothing is collected from this vehicle")
        async with self._database.transaction() as tx:
            ends_at = tx.now + self._collects_after
            row = await Book(tx).place(
                order.out_trade_no,
                msgspec.to_builtins(order),
                amount=order.amount,
                plate=vehicle,
                ends_at=ends_at,
                ends_as=Standing.FAILED if vehicle.number.endswith(FAILS) else Standing.SUCCEEDED,
                repaid_at=ends_at + self._collects_after if vehicle.number.endswith(IS_ADVANCED) else None,
            )
            told = told_of(row, tx.now)
        if vehicle.number.endswith(IS_SILENT):
            raise ChannelAway("no answer, as this plate wants it")
        return told

    def action_of(self, order: NowOrder) -> Action | None:
        return Action(f"{self._pay_url}/{order.out_trade_no}")

    async def order(self, order: NowOrder) -> Action:
        async with self._database.transaction() as tx:
            await Book(tx).place(
                order.out_trade_no, msgspec.to_builtins(order), amount=order.amount, expires_at=order.expires_at
            )
        return Action(f"{self._pay_url}/{order.out_trade_no}")

    async def query(self, out_trade_no: str, *, pays_later: bool) -> PaymentTold:
        async with self._database.transaction(readonly=True) as tx:
            row = await Book(tx).order(out_trade_no)
            if row is None:
                return PaymentTold(out_trade_no=out_trade_no, standing=Standing.UNKNOWN)
            return told_of(row, tx.now)

    async def close(self, out_trade_no: str) -> None:
        async with self._database.transaction() as tx:
            await Book(tx).end(out_trade_no, Standing.CLOSED)

    async def refund(self, order: RefundOrder) -> RefundTold:
        async with self._database.transaction() as tx:
            row = await Book(tx).give_back(order, ends_at=tx.now + self._collects_after)
            return _refund_of(row, tx.now)

    async def query_refund(self, out_refund_no: str, out_trade_no: str) -> RefundTold:
        async with self._database.transaction(readonly=True) as tx:
            row = await Book(tx).refund(out_refund_no)
            if row is None:
                return RefundTold(out_refund_no=out_refund_no, standing=RefundStanding.UNKNOWN)
            return _refund_of(row, tx.now)

    async def bill(self, day: date) -> Sequence[BillLine] | None:
        """Of a day that is over, in Beijing's time; 0.6 % of each payment is kept, and given back with it."""
        begins = datetime(day.year, day.month, day.day, tzinfo=ZONE)
        async with self._database.transaction(readonly=True) as tx:
            if tx.now < begins + timedelta(days=1):
                return None
            rows = await Book(tx).during(begins, begins + timedelta(days=1))
        return [_line(row) for row in rows]

    def hear(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        given = {name.lower(): value for name, value in headers.items()}
        at, signature = given.get(TIME_HEADER.lower(), ""), given.get(SIGNATURE_HEADER.lower(), "")
        if not (self._secret and at.isascii() and at.isdigit() and len(at) <= 12):
            raise CallbackRefused("not signed")
        if abs(now - datetime.fromtimestamp(int(at), UTC)) > SKEW_MAX:
            raise CallbackRefused("not of our time")
        if not hmac.compare_digest(self._signature(at, body), signature.encode()):
            raise CallbackRefused("the signature does not fit")
        try:
            return msgspec.json.decode(body, type=_Notification).heard(body)
        except msgspec.DecodeError:
            raise CallbackRefused("signed, and no notification") from None

    def reply(self, *, is_taken: bool, is_verified: bool = True) -> Reply:
        status = 200 if is_taken else 500 if is_verified else 401
        return Reply(status, "application/json", orjson.dumps({"taken": is_taken}))

    async def notifications(self, limit: int) -> list[tuple[dict[str, str], bytes]]:
        """What it has to tell by now, each twice in all: headers and body, as if they had come over the network."""
        async with self._database.transaction() as tx:
            at = str(int(tx.now.timestamp()))
            bodies = [orjson.dumps(_notified(row, tx.now)) for row in await Book(tx).to_tell(limit)]
        return [({TIME_HEADER: at, SIGNATURE_HEADER: self._signature(at, body).decode()}, body) for body in bodies]

    async def close_connections(self) -> None:
        """It has none of its own."""

    def _signature(self, at: str, body: bytes) -> bytes:
        return hmac.new(self._secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest().encode()


class _Notification(msgspec.Struct, frozen=True):
    id: str
    kind: str
    payment: PaymentTold

    def heard(self, body: bytes) -> Heard:
        return Heard(id=self.id, kind=self.kind, told=self.payment, raw=orjson.loads(body))


def _notified(row: Row, now: datetime) -> dict[str, Any]:
    told = told_of(row, now)
    word = "repaid" if told.is_repaid else told.standing
    return {
        "id": f"{row['out_trade_no']}-{word}",
        "kind": f"payment.{word}",
        "payment": msgspec.to_builtins(told),
    }


def told_of(row: Row, now: datetime) -> PaymentTold:
    """Of an order's row, as it is `now`: what it will have done by then, it has done."""
    standing, at = Standing.ACCEPTED if row["pays_later"] else Standing.WAITING, None
    if row["ends_at"] is not None and row["ends_at"] <= now:
        standing, at = Standing(row["ends_as"]), row["ends_at"]
    elif row["expires_at"] is not None and row["expires_at"] <= now:
        standing = Standing.CLOSED
    is_paid = standing is Standing.SUCCEEDED
    return PaymentTold(
        out_trade_no=row["out_trade_no"],
        standing=standing,
        amount=row["amount"],
        transaction=row["transaction"],
        plate=Plate(row["plate"], row["color"]) if row["plate"] is not None else None,
        is_advanced=is_paid and row["repaid_at"] is not None,
        is_repaid=is_paid and row["repaid_at"] is not None and row["repaid_at"] <= now,
        error="the driver's account could not pay" if standing is Standing.FAILED else None,
        at=at,
    )


def _refund_of(row: Row, now: datetime) -> RefundTold:
    is_done = row["ends_at"] <= now
    return RefundTold(
        out_refund_no=row["out_refund_no"],
        standing=RefundStanding.SUCCEEDED if is_done else RefundStanding.PROCESSING,
        amount=row["amount"],
        transaction=row["transaction"],
    )


def _line(row: Row) -> BillLine:
    is_refund = row["out_refund_no"] is not None
    fee = (row["amount"] * FEE_BP + 5_000) // 10_000
    return BillLine(
        kind=LineKind.REFUND if is_refund else LineKind.PAYMENT,
        out_trade_no=row["out_trade_no"],
        transaction=row["transaction"],
        amount=row["amount"],
        fee=-fee if is_refund else fee,
        at=row["ends_at"],
        out_refund_no=row["out_refund_no"],
    )
