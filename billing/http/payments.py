"""`/v1/payments`: a driver pays now, and sees what became of it; and which channels there are."""

import io
from typing import Annotated, Any, Self

import segno
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.channels.offered import Channels
from billing.errors import NotPayable, UnknownChannel, UnknownCharge, UnknownPayment
from billing.pay import Payer, pay_now
from billing.payment_lifecycle import State
from billing.sql import payment_lists
from billing.sql import payments as sql
from contracts import vehicles
from kernel.db import Database, Row, Tx
from kernel.http import Caller, Created, Cursor, Page, below_id, operation, page_by
from kernel.moments import Moment
from kernel.money import Money

PAY = frozenset({"reserve"})
READ = frozenset({"read"})
CHARGES_MAX = 50
"""Paid at once; whoever has more arrears pays twice."""
ChargeId = Annotated[str, StringConstraints(pattern=r"^chg_[0-9a-f]{32}$")]
PathPayment = Annotated[str, StringConstraints(pattern=r"^pay_[0-9a-f]{32}$")]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,32}$")]
Limit = Annotated[int, Field(ge=1, le=200, description="Items on a page.")]


class PaymentIn(BaseModel):
    """What is paid, and how. `vehicle` or `ticket` says whose charges they are, where another driver has agreed to pay
    for them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    charges: Annotated[list[ChargeId], Field(min_length=1, max_length=CHARGES_MAX)]
    channel: ChannelName | None = Field(default=None, description="Null: the first of `/v1/payment-channels`.")
    vehicle: vehicles.Vehicle | None = None
    ticket: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None

    def payer(self, caller: Caller) -> Payer:
        vehicle = self.vehicle
        return Payer(
            driver=caller.id,
            plate=None if vehicle is None else vehicle.plate,
            color=None if vehicle is None else vehicle.color,
            ticket=self.ticket,
        )


class ActionView(BaseModel):
    """What the driver does: opens `url` on the phone, or scans `qr_svg`, which says the same."""

    model_config = ConfigDict(frozen=True)

    url: str
    qr_svg: str

    @classmethod
    def of(cls, action: dict[str, Any]) -> Self:
        return cls(url=action["url"], qr_svg=qr_svg(action["url"]))


class PartView(BaseModel):
    """So much of the payment is for this charge. `paid` is what it took: less, where it was paid or void by then."""

    model_config = ConfigDict(frozen=True)

    charge: str
    amount: Money
    paid: Money


class PaymentView(BaseModel):
    """`action` comes with `sent` at the latest, and goes when there is nothing to be done any more."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: State
    way: str = Field(description="`now`: the driver pays; `later`: the channel collects under an agreement.")
    channel: str
    amount: Money
    charges: list[PartView]
    action: ActionView | None
    error: str | None
    advanced: bool = Field(description="The channel has paid for the driver, who owes the channel.")
    repaid: bool = Field(description="And has paid it back.")
    expires_at: Moment | None
    succeeded_at: Moment | None
    created_at: Moment

    @classmethod
    async def of(cls, tx: Tx, row: Row, *, is_operator: bool = False) -> Self:
        """An operator sees as well why a channel is still asked."""
        tells_error = is_operator or row["state"] in (State.FAILED, State.CLOSED)
        is_to_do = row["action"] is not None and row["state"] in (State.CREATED, State.SENT)
        return cls(
            id=row["id"],
            state=State(row["state"]),
            way=row["way"],
            channel=row["channel"],
            amount=Money(amount=row["amount"]),
            charges=[
                PartView(charge=part["charge"], amount=Money(amount=part["amount"]), paid=Money(amount=part["paid"]))
                for part in await sql.parts(tx, row["id"])
            ],
            action=ActionView.of(row["action"]) if is_to_do else None,
            error=row["error"] if tells_error else None,
            advanced=row["is_advanced"],
            repaid=row["is_repaid"],
            expires_at=row["expires_at"],
            succeeded_at=row["succeeded_at"],
            created_at=row["created_at"],
        )


class ChannelView(BaseModel):
    """A payment channel that can be chosen."""

    model_config = ConfigDict(frozen=True)

    id: str
    default: bool


class ChannelsView(BaseModel):
    """The first is the default."""

    model_config = ConfigDict(frozen=True)

    items: list[ChannelView]


class PaymentsApi:
    """A driver's own payments."""

    def __init__(self, db: Database, channels: Channels) -> None:
        self._db = db
        self._channels = channels

    @operation(
        get="/v1/payment-channels",
        summary="How one can pay",
        tags=("payments",),
        responses={200: ChannelsView},
    )
    async def channels(self) -> ChannelsView:
        """For payments and for agreements."""
        default = self._channels.default
        names = sorted(self._channels.names, key=lambda name: name != default)
        return ChannelsView(items=[ChannelView(id=name, default=name == default) for name in names])

    @operation(
        post="/v1/payments",
        summary="Pay charges now",
        tags=("payments",),
        scopes=PAY,
        idempotent=True,
        responses={201: PaymentView},
        problems=(UnknownCharge, UnknownChannel, NotPayable),
    )
    async def post(self, tx: Tx, caller: Caller, wanted: PaymentIn) -> Created[PaymentView]:
        """One payment for all of them. What to do stands in `action`; some channels say it a moment later: read the
        payment again. It is paid when `state` is `succeeded`, whoever says so first.
        """
        channel = self._channels.chosen(wanted.channel)
        row = await pay_now(tx, wanted.charges, wanted.payer(caller), channel)
        return Created(f"/v1/payments/{row['id']}", await PaymentView.of(tx, row))

    @operation(
        get="/v1/payments",
        summary="My payments",
        tags=("payments",),
        scopes=READ,
        responses={200: Page[PaymentView]},
    )
    async def list(self, caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> Page[PaymentView]:
        """Newest first, those that a channel collects as well."""
        async with self._db.transaction(readonly=True) as tx:
            rows = await payment_lists.page_of_driver(tx, _driver(caller), below=below_id(cursor), limit=limit + 1)
            views = {row["id"]: await PaymentView.of(tx, row) for row in rows[:limit]}
            return page_by("id", rows, limit, lambda row: views[row["id"]])

    @operation(
        get="/v1/payments/{payment}",
        summary="One payment",
        tags=("payments",),
        scopes=READ,
        responses={200: PaymentView},
        problems=(UnknownPayment,),
    )
    async def one(self, caller: Caller, payment: PathPayment) -> PaymentView:
        """For the driver who made it, and for operators whose charges it pays."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.read(tx, payment)
            if row is None or not await concerns(tx, caller, row):
                raise UnknownPayment(payment=payment)
            return await PaymentView.of(tx, row, is_operator=caller.kind == "operator")


async def concerns(tx: Tx, caller: Caller, row: Row) -> bool:
    if caller.kind == "driver":
        return bool(row["driver"] == caller.id)
    if caller.kind != "operator":
        return False
    return caller.operators is None or not caller.operators.isdisjoint(await payment_lists.operators(tx, row["id"]))


def _driver(caller: Caller) -> str:
    """Operators have no payments of their own."""
    return caller.id if caller.kind == "driver" else ""


def qr_svg(text: str) -> str:
    """A QR code (ISO/IEC 18004) of `text`, level M, as an SVG that stands by itself in a page."""
    written = io.BytesIO()
    segno.make(text, error="m", micro=False).save(written, kind="svg", scale=4, border=4, xmldecl=False, svgns=True)
    return written.getvalue().decode()
