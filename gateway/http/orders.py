"""`/v1/operator/.../orders`: an operator opens a barrier, moves a lock, shows a text, and sees what became of it.

Opening a barrier by hand is what a thief would ask for first (OWASP API6): it takes an operator's key, a reason, leaves
a row in the audit trail that names both, and is possible as often as cars can pass and no more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.audit import RecordAudit
from contracts.ids import CarParkId, Label, LaneLabel, SignId, Slug, SpaceLabel
from contracts.orders import (
    REASON_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    OrderKind,
    OrderState,
    WantedOrder,
)
from gateway.errors import UnknownCarPark, UnknownLane, UnknownOrder, UnknownSign, UnknownSpace
from gateway.give_order import TTL_MAX, give_order
from gateway.sql import orders as sql
from kernel.access_problems import TooManyRequests
from kernel.callers import Caller
from kernel.db import Database, Row, Tx
from kernel.http import LIMIT_DEFAULT, OPERATE, Created, Cursor, Limit, Page, below_id, operation, page_by
from kernel.ids import new_id
from kernel.rates import Limiter

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
PathOrder = Annotated[str, StringConstraints(pattern=r"^ord_[0-9a-f]{32}$")]
Reason = Annotated[
    str, StringConstraints(min_length=1, max_length=REASON_CHARACTERS_MAX, strip_whitespace=True, pattern=PRINTABLE)
]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=TEXT_CHARACTERS_MAX, strip_whitespace=True, pattern=PRINTABLE)
]


class OrderIn(BaseModel):
    """An order: what, where and why. `reason` is told to the device and stays with the order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: OrderKind
    lane: Label | None = Field(default=None, description="Of a barrier, a refusal, or the display that shows a text.")
    space: Label | None = Field(default=None, description="The numbered space whose lock moves.")
    sign: Slug | None = Field(default=None, description="Shows the text, instead of a lane's display.")
    text: Text | None = Field(default=None, description="For `show_text`.")
    reason: Reason
    ttl_s: int | None = Field(
        default=None,
        ge=1,
        le=int(TTL_MAX.total_seconds()),
        description="How long it may be obeyed; 10 s for barriers, 30 s for locks and texts, 60 s for snapshots.",
    )


class OrderView(BaseModel):
    """An order and what became of it. Past its deadline an open one is `expired`."""

    model_config = ConfigDict(frozen=True)

    id: str
    operator: str
    car_park: str
    kind: OrderKind
    lane: str | None
    space: str | None
    sign: str | None
    text: str | None
    reason: str
    actor: str = Field(description="Who gave it: an operator's key, or a service.")
    cause: str = Field(description="What it was given for; the same cause is the same order.")
    state: OrderState
    given_at: datetime
    expires_at: datetime
    published_at: datetime | None = Field(description="When the broker had it, as far as we know.")
    acknowledged_at: datetime | None = Field(description="When the device's answer came.")
    acknowledged_late_at: datetime | None = Field(description="The same, after the deadline: the state stays.")
    device_at: datetime | None = Field(description="When by the device's own clock.")
    error: str | None = Field(description="Why it failed, in the device's words.")
    closed_at: datetime | None
    superseded_by: str | None = Field(description="The newer text that was shown instead.")

    @classmethod
    def of(cls, row: Row) -> "OrderView":
        return cls.model_validate(dict(row))


class OrdersApi:
    """Orders to devices."""

    def __init__(self, db: Database, record_audit: RecordAudit, barrier_limit: Limiter) -> None:
        """`barrier_limit` counts the openings of one lane by one caller."""
        self._db = db
        self._record_audit = record_audit
        self._barrier_limit = barrier_limit

    @operation(
        post="/v1/operator/car-parks/{car_park}/orders",
        summary="Give an order to a car park's device",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={201: OrderView},
        problems=(UnknownCarPark, UnknownLane, UnknownSpace, UnknownSign, TooManyRequests),
    )
    async def post(self, tx: Tx, caller: Caller, car_park: Slug, wanted: OrderIn) -> Created[OrderView]:
        """Open a barrier, refuse an entry, raise or lower a lock, show a text, ask for a snapshot.

        The order goes out at once and may be obeyed until `expires_at`; read it again to see what the device answered.
        Nothing is kept for a device that is away. A newer text for a lane takes the place of one that has not gone out.
        """
        operators = caller.covered
        operator = await sql.operator_of_car_park(tx, CarParkId(car_park), operators)
        if operator is None:
            raise UnknownCarPark(car_park=car_park)
        if wanted.kind is OrderKind.OPEN_BARRIER:
            self._barrier_limit.take(f"{caller.principal} {car_park} {wanted.lane}")
        order_id = await give_order(
            tx,
            WantedOrder(
                car_park=CarParkId(car_park),
                kind=wanted.kind,
                cause=new_id("request", tx.now),
                reason=wanted.reason,
                actor=caller.principal,
                lane=None if wanted.lane is None else LaneLabel(wanted.lane),
                space=None if wanted.space is None else SpaceLabel(wanted.space),
                sign=None if wanted.sign is None else SignId(wanted.sign),
                text=wanted.text,
                ttl=None if wanted.ttl_s is None else timedelta(seconds=wanted.ttl_s),
            ),
        )
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=operator,
            action="order.give",
            subject=f"car-park/{car_park}",
            detail={"order": order_id, **wanted.model_dump(mode="json", exclude_none=True)},
        )
        return Created(f"/v1/operator/orders/{order_id}", await self._shown(tx, order_id, operators))

    @operation(
        get="/v1/operator/orders",
        summary="Orders to devices",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[OrderView]},
    )
    async def list(
        self,
        caller: Caller,
        *,
        car_park: Slug | None = None,
        state: OrderState | None = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[OrderView]:
        """Newest first."""
        before = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page_of_orders(
                tx, operators=caller.covered, car_park=car_park, state=state, before=before, limit=limit + 1
            )
        return page_by("id", rows, limit, OrderView.of)

    @operation(
        get="/v1/operator/orders/{order}",
        summary="One order to a device",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: OrderView},
        problems=(UnknownOrder,),
    )
    async def one(self, caller: Caller, order: PathOrder) -> OrderView:
        """What became of it."""
        async with self._db.transaction(readonly=True) as tx:
            return await self._shown(tx, order, caller.covered)

    async def _shown(self, tx: Tx, order_id: str, operators: Sequence[str] | None) -> OrderView:
        row = await sql.find_order(tx, order_id, operators)
        if row is None:
            raise UnknownOrder(order=order_id)
        return OrderView.of(row)
