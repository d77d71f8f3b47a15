"""Payment channels that misbehave in every way at once: money ends where they say, and bills that lie are caught.

Vehicles leave first, channels lose answers, tell late, twice, untrue or never, and make up bills with differences of a
seed. In the end nothing is unbalanced, nothing was paid twice, and reconciliation finds each difference, and no other.
"""

import random
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from billing.check_ledger import check_ledger
from billing.settlement_meters import SettlementMeters
from billing.start_refund import start_refund
from kernel.clock import ManualClock
from kernel.db import Database
from simulators.payment_channel.mischief import Mischief
from simulators.payment_channel.truth import OrderState, RefundState
from tests.faults.channel_city import NAMES, ChannelCity, channel_city

FAULTS = Mischief(
    busy=0.05,
    broken=0.05,
    broken_after=0.05,
    lost_answer=0.05,
    fails=0.05,
    pending=0.05,
    advanced=0.05,
    overdue=0.05,
    paused=0.05,
    out_of_service=0.05,
    twice=0.05,
    late=0.05,
    out_of_order=0.05,
    never=0.05,
    wrong_amount=0.05,
    wrong_plate=0.05,
    stale_time=0.05,
    bad_signature=0.05,
    sign_test=0.05,
    refund_fails=0.05,
    missing_there=0.05,
    missing_here=0.05,
    other_amount=0.05,
    doubled=0.05,
    refund_unknown=0.05,
)
BATCH = 40
KINDS = {
    "missing_there": "missing_there",
    "missing_here": "missing_here",
    "other_amount": "amount",
    "doubled": "doubled",
    "refund_unknown": "unknown_refund",
}
"""A seeded difference, as reconciliation calls it."""


@pytest.fixture
def sessions(request: pytest.FixtureRequest) -> int:
    return 10_000 if request.config.getoption("--faults", default="quick") == "long" else 240


@pytest.mark.timeout(3_600)
async def test_channels_that_misbehave_converge_to_their_own_truth(
    database: Database, clock: ManualClock, tmp_path: Path, sessions: int, seed: int, dice: random.Random
) -> None:
    async with channel_city(database, clock, tmp_path / "parties", replace(FAULTS, seed=seed)) as city:
        await _park_all(city, sessions, dice)
        await city.converge()
        await _pay_what_is_due(city)
        await _give_some_back(city, dice)
        await _nothing_is_lost_or_doubled(city, sessions)
        await _bills_are_reconciled(city)


async def _park_all(city: ChannelCity, sessions: int, dice: random.Random) -> None:
    """Batch after batch drives in, stays for a quarter of an hour or several, and leaves."""
    plates = [f"辽A{number:05}" for number in range(10_000, 10_000 + sessions)]
    for name, own in zip(NAMES, (plates[::2], plates[1::2]), strict=True):
        await city.agree(own, name)
    for start in range(0, sessions, BATCH):
        batch = plates[start : start + BATCH]
        await city.pass_by(batch, "entry")
        await city.work()
        city.clock.advance(60 * dice.choice((10, 20, 40)))
        await city.pass_by(batch, "exit")
        await city.work()
    assert await city.value("SELECT count(*) FROM billing.charge") == sessions


async def _pay_what_is_due(city: ChannelCity) -> None:
    """Whoever the channels could not charge, or would not, scans a code until it is paid."""
    for _ in range(20):
        due = await city.rows("SELECT id FROM billing.charge WHERE state IN ('due', 'overdue') ORDER BY id")
        if not due:
            return
        for number, row in enumerate(due):
            await city.pay_now(row["id"], NAMES[number % 2])
        for _ in range(6):
            await city.work()
            city.clock.advance(20)
        for name in NAMES:
            city.press(name)
        await city.converge()
    raise AssertionError(f"{len(due)} charges are never paid")


async def _give_some_back(city: ChannelCity, dice: random.Random) -> None:
    """Of every twentieth charge a part or all."""
    paid = await city.rows("SELECT id, amount FROM billing.charge WHERE state = 'paid' ORDER BY id")
    for row in paid[::20]:
        async with city.database.transaction() as tx:
            amount = dice.choice((row["amount"], row["amount"] // 2))
            await start_refund(tx, row["id"], amount, reason="电梯坏了", actor="operator:test")
    await city.converge()


async def _nothing_is_lost_or_doubled(city: ChannelCity, sessions: int) -> None:
    """Ours is what the channels know, to the fen."""
    charges = await city.rows("SELECT state, amount, paid FROM billing.charge WHERE state <> 'void'")
    assert len(charges) == sessions
    assert all(charge["paid"] == charge["amount"] for charge in charges), Counter(charge["state"] for charge in charges)
    payments = {row["out_trade_no"]: row for row in await city.rows("SELECT * FROM billing.payment")}
    refunds = {row["out_refund_no"]: row for row in await city.rows("SELECT * FROM billing.refund")}
    clearing = {row["holder"]: row["total"] for row in await city.rows(_CLEARING)}
    for name in NAMES:
        truth, total = city.channel(name).truth, 0
        for order in truth.orders.values():
            ours = payments[order.number]
            is_paid = order.state is OrderState.SUCCEEDED
            assert (ours["state"] == "succeeded") == is_paid, (dict(ours), order)
            if is_paid:
                assert (ours["amount"], ours["transaction"]) == (order.amount, order.transaction)
                total += order.amount
        for refund in truth.refunds.values():
            is_back = refund.state is RefundState.SUCCEEDED
            assert (refunds[refund.number]["state"] == "succeeded") == is_back
            total -= refund.amount if is_back else 0
        assert clearing[name] == total
    known = {number for name in NAMES for number in city.channel(name).truth.orders}
    assert not [row for number, row in payments.items() if row["state"] == "succeeded" and number not in known]
    assert await city.value("SELECT count(*) FROM billing.callback WHERE outcome = 'quarantined'"), "lies were told"
    assert await city.value("SELECT sum(amount) FROM billing.entry") == 0
    assert await check_ledger(city.database, SettlementMeters(CollectorRegistry()), whole=True) == []


async def _bills_are_reconciled(city: ChannelCity) -> None:
    """Every difference that the seed put into a bill is found, as what it is, and nothing else is."""
    city.clock.advance(40 * 3_600)
    wanted = {(name, day) for name in NAMES for day in city.days(name)}
    for _ in range(24):  # a channel may be away when it is asked for a bill as well
        await city.settle()
        city.clock.advance(3_600)
        if wanted <= {(row["channel"], row["day"]) for row in await city.rows("SELECT channel, day FROM billing.bill")}:
            break
    seeded = Counter[tuple[str, str, str]]()
    for name in NAMES:
        for day in city.days(name):
            for each in city.theirs.bills[name].of(day).seeded:
                seeded[name, KINDS[str(each.kind)], each.refund or each.number] += 1
    found = Counter(
        (row["channel"], row["kind"], row["number"]) for row in await city.rows("SELECT * FROM billing.difference")
    )
    assert found == seeded
    assert {kind for _, kind, _ in seeded} == set(KINDS.values()), "each kind was there"


_CLEARING = """
SELECT account.holder, sum(entry.amount)::bigint AS total FROM billing.entry
JOIN billing.account ON account.id = entry.account WHERE account.kind = 'channel_clearing' GROUP BY account.holder
"""
