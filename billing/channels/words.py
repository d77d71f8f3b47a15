"""What is said to payment channels and heard of them, as values. Amounts are fen, times have an offset. Pure."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Standing(StrEnum):
    """What a channel says of a payment."""

    UNKNOWN = "unknown"
    """It has none of that number."""
    WAITING = "waiting"
    """The driver has not paid yet."""
    ACCEPTED = "accepted"
    """It will pay, whatever comes: the vehicle may leave."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """It could not collect, and will not try again."""
    CLOSED = "closed"
    """Nobody paid in time, or we closed it."""


class PlateState(StrEnum):
    """Whether a channel collects from a vehicle without asking its driver each time."""

    NORMAL = "normal"
    PAUSE = "pause"
    """The driver has switched it off for now."""
    OVERDUE = "overdue"
    """The driver owes the channel something."""
    OUT_SERVICE = "out_service"
    """There is no agreement, or it was ended."""


class Plate(Struct, frozen=True):
    """`color` in our words: blue, green, yellow_green, yellow, black, white."""

    number: str
    color: str


class Entry(Struct, frozen=True, kw_only=True):
    """A vehicle drove in. `session` is ours; `free_s` is how long it may stay for nothing."""

    session: str
    vehicle: Plate
    car_park: str
    car_park_name: str
    entry_at: datetime
    free_s: int = 0


class Announced(Struct, frozen=True):
    """`parking_id`: the channel's own name of the entry, which it wants to hear again with the charge."""

    parking_id: str | None
    plate: PlateState


class LaterOrder(Struct, frozen=True, kw_only=True):
    """Collect from a vehicle that has left (or is leaving), under its agreement."""

    out_trade_no: str
    amount: int
    description: str
    entry: Entry
    exit_at: datetime
    lane: str
    parking_id: str | None = None
    contract: str | None = None
    """The channel's own id of the agreement, where it has one."""


class NowOrder(Struct, frozen=True, kw_only=True):
    """The driver pays now, with the channel's own app."""

    out_trade_no: str
    amount: int
    description: str
    expires_at: datetime


class Action(Struct, frozen=True):
    """What the driver does to pay: opens `url`, or scans it as a QR code."""

    url: str


class PaymentTold(Struct, frozen=True, kw_only=True):
    """What the channel knows of a payment. `amount` and `plate` are None where it does not say."""

    out_trade_no: str
    standing: Standing
    amount: int | None = None
    transaction: str | None = None
    plate: Plate | None = None
    is_advanced: bool = False
    """It paid out of its own pocket: the driver owes it, not us."""
    is_repaid: bool = False
    """And has paid it back."""
    error: str | None = None
    at: datetime | None = None


class RefundOrder(Struct, frozen=True, kw_only=True):
    """Give `amount` of a payment of `paid` back."""

    out_refund_no: str
    out_trade_no: str
    amount: int
    paid: int
    reason: str


class RefundStanding(StrEnum):
    """What a channel says of a refund."""

    UNKNOWN = "unknown"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The money is with us still: closed, or the payer's account could not take it."""


class RefundTold(Struct, frozen=True, kw_only=True):
    """What the channel knows of a refund."""

    out_refund_no: str
    standing: RefundStanding
    amount: int | None = None
    transaction: str | None = None
    error: str | None = None


class PlateTold(Struct, frozen=True):
    """Whether the channel collects from this vehicle has changed, at `at`. `session`: whose entry we had announced."""

    plate: Plate
    state: PlateState
    session: str | None = None
    at: datetime | None = None


class Heard(Struct, frozen=True, kw_only=True):
    """One verified notification. `id` is the channel's: the same notification comes again under the same one.

    `told` None: of a kind that does not concern us. `raw` is what was said, decrypted, for whoever looks into it.
    """

    id: str
    kind: str
    told: PaymentTold | RefundTold | PlateTold | None
    raw: Mapping[str, object]


class Reply(Struct, frozen=True):
    """How the channel wants a notification to be answered, so that it stops or goes on telling it."""

    status: int
    content_type: str
    body: bytes


class LineKind(StrEnum):
    """What a line of a channel's bill is about."""

    PAYMENT = "payment"
    REFUND = "refund"


class BillLine(Struct, frozen=True, kw_only=True):
    """A payment, or a refund, that the channel settles. `amount` and `fee` as they move: fee > 0 is taken from us, and
    negative where a refund gives some of it back.
    """

    kind: LineKind
    out_trade_no: str
    transaction: str
    amount: int
    fee: int
    at: datetime
    out_refund_no: str | None = None
