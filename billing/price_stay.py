"""What a stay that goes on costs if it is paid now: a price that is good for some minutes, as a charge to be paid.

Whoever has paid leaves within the exit window for nothing more; after that, for the difference. A price that nobody
takes up is owed by nobody.
"""

from datetime import timedelta

from billing.charges import NewCharge, raise_charge
from billing.errors import NoPlan, NoTariff, NothingToPay
from billing.fee_lines import lines_of, paid_before
from billing.rate_session import fee_so_far
from billing.sql import prepayments as sql
from billing.sql.policies import policy_of
from billing.tariff_shelf import TariffShelf
from kernel.db import Row, Tx


async def price_stay(tx: Tx, shelf: TariffShelf, stay: Row) -> Row:
    """The quoted charge for leaving now; `stay` is one of `sql.prepayments`, locked. One that is good and the same is
    given again. Raises NothingToPay, NoTariff, NoPlan.
    """
    if stay["is_guest"] or stay["reservation"] is not None:
        raise NothingToPay("the stay is paid for with its reservation", session=stay["id"])
    if stay["tariff"] is None:
        raise NoTariff(car_park=stay["car_park"])
    policy = await policy_of(tx, stay["car_park"])
    apart = stay["apart"] if policy.zone_time == "instead" else timedelta(0)
    fee = await fee_so_far(tx, shelf, stay, tx.now, apart=min(apart, tx.now - stay["entry_at"]))
    if fee is None:
        raise NoPlan(car_park=stay["car_park"], classes=None)
    amount = fee.total - stay["paid"]
    window = timedelta(seconds=policy.exit_window_s)
    if amount <= 0 or (stay["paid_at"] is not None and tx.now <= stay["paid_at"] + window):
        raise NothingToPay(session=stay["id"])
    same = await sql.quoted(tx, stay["id"], amount)
    if same is not None:
        return same
    lines = lines_of(fee)
    if stay["paid"]:
        lines.append(paid_before(stay["paid"], stay["paid_at"]))
    return await raise_charge(
        tx,
        NewCharge(
            kind="parking",
            session=stay["id"],
            car_park=stay["car_park"],
            operator=stay["operator"],
            plate=stay["plate"],
            color=stay["color"],
            ticket=stay["ticket"],
            driver=stay["driver"],
            amount=amount,
            lines=lines,
            tariff=stay["tariff"],
            platform_share_bp=policy.platform_share_bp,
            begins=stay["entry_at"],
            ends=tx.now,
            due_at=tx.now,
            quote_good_until=tx.now + timedelta(seconds=policy.quote_s),
        ),
    )
