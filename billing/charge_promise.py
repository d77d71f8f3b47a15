"""A promise that is over is asked for, once: the price of a stay with what overstaying costs, or the fee of not coming.

A stay is the vehicle's: it was there, and whoever agreed to pay later for it does. What is owed because nobody came is
the driver's alone, who made the promise: no plate stands in it, so that nobody's vehicle is blocked by what somebody
else promised for it.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from billing.charges import NewCharge, raise_charge
from billing.errors import PromiseCharged
from billing.sql import promises as sql
from billing.sql.policies import policy_of
from kernel.db import Row, Tx
from kernel.moments import wire_time

_KINDS: Final = {"completed": "reservation", "cancelled": "cancellation", "no_show": "no_show"}
_WHY: Final = {
    "reservation": {"zh": "预约车位", "en": "reserved space"},
    "overstay": {"zh": "超出预约时间", "en": "stayed beyond the promised end"},
    "cancellation": {"zh": "取消预约", "en": "cancelled late"},
    "no_show": {"zh": "预约未到", "en": "did not come"},
}


async def charge_promise(tx: Tx, reservation: str) -> Row | None:
    """The charge, made now; None where there is one already, nothing is owed, or the promise is not over."""
    cost = await sql.cost(tx, reservation)
    if cost is None or cost["is_charged"]:
        return None
    lines = _lines(cost)
    amount = sum(line["amount"] for line in lines)
    if amount == 0:
        return None
    policy = await policy_of(tx, cost["car_park"])
    came = cost["state"] == "completed"
    # A day to collect it, or to pay it: until then it stands against nobody.
    due_at = tx.now + timedelta(seconds=policy.collect_s)
    shared = cost["owner"] is not None
    owners = cost["owner_share_bp"] if shared else 0
    platforms = cost["platform_share_bp"] if shared else policy.platform_share_bp
    wanted = NewCharge(
        kind=_KINDS[cost["state"]],
        reservation=reservation,
        car_park=cost["car_park"],
        operator=cost["operator"],
        owner=cost["owner"],
        owner_share_bp=owners,
        platform_share_bp=min(platforms, 10_000 - owners),
        plate=cost["plate"] if came else None,
        color=cost["color"] if came else None,
        ticket=None if came else reservation,
        driver=cost["driver"],
        amount=amount,
        lines=lines,
        begins=cost["begins"],
        ends=max(cost["until"], cost["ended_at"]) if came and cost["fee"] else cost["until"],
        due_at=due_at,
        remind_at=policy.look_again_at(due_at, level=0),
    )
    try:
        async with tx.savepoint():
            with tx.guard({"charge_promise_once": PromiseCharged}):
                return await raise_charge(tx, wanted)
    except PromiseCharged:  # by another process, at the same moment
        return None


def _lines(cost: Row) -> list[dict[str, Any]]:
    if cost["state"] != "completed":
        kind = _KINDS[cost["state"]]
        return [_line(kind, cost["fee"], cost["begins"], cost["until"])] if cost["fee"] else []
    lines = [_line("reservation", cost["price"], cost["begins"], cost["until"])]
    if cost["fee"]:
        lines.append(_line("overstay", cost["fee"], cost["until"], max(cost["until"], cost["ended_at"])))
    return lines


def _line(kind: str, amount: int, begins: datetime, until: datetime) -> dict[str, Any]:
    told = {"from": wire_time(begins), "until": wire_time(until), "why": _WHY[kind]}
    return {"kind": kind, "amount": amount, **told}
