"""What billing asks of a payment channel, whichever it is. Amounts are fen, times have an offset.

Every request may be sent again: `out_trade_no` and `out_refund_no` are ours, unique, and the channel keeps them so.
There are three ends to a request, and the difference is money:

- an answer;
- ChannelRefused: the channel said no, nothing was made, and the same again would be refused again;
- ChannelAway: nobody knows. It may have been done: ask (`query`, `query_refund`) before it is sent again.

What a channel tells by itself (`hear`) is believed only with its signature; CallbackRefused is raised before anything
of it is read, and `reply` says it in the channel's own way. The words are in `words`, and are imported from here.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from billing.channels.words import (
    Action,
    Announced,
    BillLine,
    Entry,
    Heard,
    LaterOrder,
    LineKind,
    NowOrder,
    PaymentTold,
    Plate,
    PlateState,
    PlateTold,
    RefundOrder,
    RefundStanding,
    RefundTold,
    Reply,
    Standing,
)

__all__ = [
    "Action",
    "Announced",
    "BillLine",
    "CallbackRefused",
    "ChannelAway",
    "ChannelRefused",
    "Entry",
    "Heard",
    "LaterOrder",
    "LineKind",
    "NowOrder",
    "PaymentChannel",
    "PaymentTold",
    "Plate",
    "PlateState",
    "PlateTold",
    "RefundOrder",
    "RefundStanding",
    "RefundTold",
    "Reply",
    "Standing",
]


class ChannelRefused(Exception):
    """The channel said no, with `code`, in words for an operator; nothing was made."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class ChannelAway(Exception):
    """No answer that can be believed: it may have been done all the same. Ask before sending it again."""


class CallbackRefused(Exception):
    """These bytes are not the channel's, or not of our time: nothing in them is looked at."""


class PaymentChannel(Protocol):
    """One payment channel. No method holds a database transaction of ours open."""

    @property
    def name(self) -> str:
        """As it stands in rows and addresses: `sandbox`, `wechat`, `alipay`."""
        ...

    @property
    def makes_up_bills(self) -> bool:
        """Whether there is a bill for each day."""
        ...

    async def eligibility(self, vehicle: Plate, contract: str | None) -> PlateState:
        """Raises ChannelAway, ChannelRefused."""
        ...

    async def announce(self, entry: Entry) -> Announced:
        """Raises ChannelAway, ChannelRefused."""
        ...

    async def charge(self, order: LaterOrder) -> PaymentTold:
        """Pay later. Raises ChannelAway, ChannelRefused."""
        ...

    def action_of(self, order: NowOrder) -> Action | None:
        """The same as `order`, where it can be worked out without asking anybody; None: `order` it."""
        ...

    async def order(self, order: NowOrder) -> Action:
        """Pay now. Raises ChannelAway, ChannelRefused."""
        ...

    async def query(self, out_trade_no: str, *, pays_later: bool) -> PaymentTold:
        """Raises ChannelAway, ChannelRefused."""
        ...

    async def close(self, out_trade_no: str) -> None:
        """An order that is to be paid no more. It may have been paid meanwhile: query. Raises ChannelAway,
        ChannelRefused.
        """
        ...

    async def refund(self, order: RefundOrder) -> RefundTold:
        """Raises ChannelAway, ChannelRefused."""
        ...

    async def query_refund(self, out_refund_no: str, out_trade_no: str) -> RefundTold:
        """Raises ChannelAway, ChannelRefused."""
        ...

    async def bill(self, day: date) -> Sequence[BillLine] | None:
        """What happened on `day` (of the channel's own time zone); None while it is not made up yet. Raises
        ChannelAway, ChannelRefused.
        """
        ...

    def hear(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        """The notification in `body`. Raises CallbackRefused."""
        ...

    def reply(self, *, is_taken: bool, is_verified: bool = True) -> Reply:
        """Taken, or: tell it again."""
        ...

    async def close_connections(self) -> None:
        """The process ends."""
        ...
