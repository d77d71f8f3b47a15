"""Pages without an account: whoever stands at a barrier scans its code and pays; and where the sandbox is paid.

`/pay/{charge}` is what a display makes its code of. It shows what is asked and offers the channels; the number of a
charge is as good as a ticket: nobody guesses it, and all that it gives is to pay. `/v1/sandbox/orders/{number}` is the
sandbox's own page, with its one button. Plain HTML, no script.
"""

from html import escape
from typing import Annotated, Final

from pydantic import StringConstraints

from billing.channels.offered import Channels
from billing.channels.protocol import Standing
from billing.channels.sandbox import told_of
from billing.channels.sandbox_book import Book
from billing.errors import NotPayable, UnknownChannel, UnknownCharge, UnknownPayment
from billing.http.payments import ChannelName, ChargeId, qr_svg
from billing.pay import Payer, pay_now
from billing.payment_lifecycle import State
from billing.sql import payment_lists
from billing.sql import payments as sql
from kernel.db import Database, Row
from kernel.http import Raw, operation

HTML: Final = "text/html"
CSP: Final = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS: Final = {"Content-Security-Policy": CSP, "Cache-Control": "no-store"}
NAMES: Final = {"wechat": "微信支付 WeChat Pay", "alipay": "支付宝 Alipay", "sandbox": "沙箱 Sandbox"}
AGAIN_S: Final = 3
Number = Annotated[str, StringConstraints(pattern=r"^[0-9a-zA-Z]{1,32}$")]


class PayPagesApi:
    """For whoever has the code."""

    def __init__(self, db: Database, channels: Channels) -> None:
        self._db = db
        self._channels = channels

    @operation(
        get="/pay/{charge}",
        summary="Pay at the barrier: what is asked",
        tags=("payments",),
        responses={200: HTML},
        problems=(UnknownCharge,),
    )
    async def page(self, charge: ChargeId) -> Raw:
        """Amount, place and vehicle (not all of its plate), and a button for each channel."""
        async with self._db.transaction(readonly=True) as tx:
            row = await payment_lists.asked_for(tx, charge)
        if row is None:
            raise UnknownCharge(charge=charge)
        if row["open"] <= 0:
            return _page("已付清 Nothing is owed", _about(row))
        buttons = "".join(
            f'<form method="post" action="/pay/{charge}/{name}"><button>{escape(NAMES.get(name, name))}</button></form>'
            for name in self._channels.names
        )
        return _page(f"请付 {_yuan(row['open'])} 元", _about(row) + buttons)

    @operation(
        post="/pay/{charge}/{channel}",
        summary="Pay at the barrier: by this channel",
        tags=("payments",),
        responses={200: HTML},
        problems=(UnknownCharge, UnknownChannel),
    )
    async def pay(self, charge: ChargeId, channel: ChannelName) -> Raw:
        """Asked again, it is the same payment, until it is paid or over."""
        chosen = self._channels.chosen(channel)
        try:
            async with self._db.transaction() as tx:
                row = await pay_now(tx, [charge], Payer(), chosen)
        except NotPayable as why:
            return _page("现在不能支付 Cannot be paid now", f"<p>{escape(why.detail)}</p>", status=409)
        return _waiting(row, charge)

    @operation(
        get="/pay/{charge}/{channel}",
        summary="Pay at the barrier: what became of it",
        tags=("payments",),
        responses={200: HTML},
        problems=(UnknownCharge,),
    )
    async def state(self, charge: ChargeId, channel: ChannelName) -> Raw:
        """Comes again by itself until it is paid."""
        async with self._db.transaction(readonly=True) as tx:
            row = await payment_lists.asked_for(tx, charge)
            waiting = [one for one in await sql.under_way(tx, [charge]) if one["channel"] == channel]
        if row is None:
            raise UnknownCharge(charge=charge)
        if row["open"] <= 0:
            return _page("已付款 Paid", _about(row) + "<p>请离场 You may leave.</p>")
        return _waiting(waiting[0], charge) if waiting else await self.page(charge)

    @operation(
        get="/v1/sandbox/orders/{number}",
        summary="An order of the sandbox",
        tags=("payments",),
        responses={200: HTML},
        problems=(UnknownPayment,),
    )
    async def order(self, number: Number) -> Raw:
        """Its one button pays."""
        self._sandbox()
        async with self._db.transaction(readonly=True) as tx:
            row = await Book(tx).order(number)
            if row is None:
                raise UnknownPayment("the sandbox has not heard of it yet: try again in a moment")
            told = told_of(row, tx.now)
        if told.standing is not Standing.WAITING:
            return _page(f"沙箱 Sandbox: {told.standing}", f"<p>{_yuan(row['amount'])} 元</p>")
        return _page(f"沙箱 Sandbox: {_yuan(row['amount'])} 元", '<form method="post"><button>付款 Pay</button></form>')

    @operation(
        post="/v1/sandbox/orders/{number}",
        summary="Pay an order of the sandbox",
        tags=("payments",),
        responses={200: HTML},
        problems=(UnknownPayment, NotPayable),
    )
    async def press(self, number: Number) -> Raw:
        """What a driver does in a wallet; moves no money."""
        self._sandbox()
        async with self._db.transaction() as tx:
            row = await Book(tx).order(number)
            if row is None:
                raise UnknownPayment("the sandbox has not heard of it yet: try again in a moment")
            told = told_of(row, tx.now)
            if not await Book(tx).end(number, Standing.SUCCEEDED) and told.standing is not Standing.SUCCEEDED:
                raise NotPayable(f"the order is {told.standing}: ask for a new one", standing=told.standing)
        return _page("已付款 Paid", f"<p>{_yuan(row['amount'])} 元</p>")

    def _sandbox(self) -> None:
        """Raises UnknownPayment where there is none."""
        if self._channels.sandbox is None:
            raise UnknownPayment("there is no sandbox here")


def _waiting(row: Row, charge: str) -> Raw:
    again = f'<meta http-equiv="refresh" content="{AGAIN_S};url=/pay/{charge}/{row["channel"]}">'
    if row["action"] is None or row["state"] not in (State.CREATED, State.SENT):
        return _page("请稍候 One moment", "", head=again)
    url = str(row["action"]["url"])
    link = f'<p><a href="{escape(url, quote=True)}">打开支付 Open to pay</a></p>'
    return _page(f"请付 {_yuan(row['amount'])} 元", qr_svg(url) + link, head=again)


def _about(row: Row) -> str:
    vehicle = row["plate"] or row["ticket"] or ""
    shown = vehicle[:2] + "·" * max(0, len(vehicle) - 4) + vehicle[-2:]
    return f"<p>{escape(row['car_park_name'] or row['car_park'])} · {escape(shown)}</p>"


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _page(title: str, body: str, *, head: str = "", status: int = 200) -> Raw:
    text = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{head}<title>{escape(title)}</title></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return Raw(text.encode(), HTML, headers=HEADERS, charset="utf-8", status=status)
