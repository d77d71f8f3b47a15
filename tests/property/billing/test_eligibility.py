"""Credit is derived: it goes with its reasons and comes back without them, and refuses nothing but credit."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as some

from billing.eligibility import AgreementState, Known, Reason, why_not
from billing.exit_way import Decision, Way, decide
from billing.policy import BillingPolicy
from billing.standing import AtExit, Standing
from billing.tariffs.fee import Fee, Line
from kernel.db import Row

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
fen = some.integers(0, 100_000)
few = some.integers(0, 5)
policies = some.builds(
    BillingPolicy,
    pay_later=some.booleans(),
    cap_per_stay=fen,
    unpaid_max=few,
    disputed_max=few,
    unrated_opens=some.booleans(),
    unseen_opens=some.booleans(),
)
knowns = some.builds(
    Known,
    has_plate=some.booleans(),
    agreement=some.none() | some.sampled_from(AgreementState),
    unpaid=few,
    amount_unpaid=fen,
    disputed=few,
)


@given(policies, knowns, fen, few, few, fen)
def test_more_owed_never_gives_credit(
    policy: BillingPolicy, known: Known, amount: int, unpaid: int, disputed: int, dearer: int
) -> None:
    worse = Known(
        has_plate=known.has_plate,
        agreement=known.agreement,
        unpaid=known.unpaid + unpaid,
        disputed=known.disputed + disputed,
    )
    assert set(why_not(policy, known, amount=amount)) <= set(why_not(policy, worse, amount=amount + dearer))


@given(policies, knowns, fen)
def test_paying_everything_takes_the_reason_away_and_no_other(policy: BillingPolicy, known: Known, amount: int) -> None:
    paid = Known(has_plate=known.has_plate, agreement=known.agreement)
    before, after = why_not(policy, known, amount=amount), why_not(policy, paid, amount=amount)
    assert set(after) == set(before) - {Reason.UNPAID}


@given(policies, fen)
def test_credit_is_given_to_whom_nothing_speaks_against(policy: BillingPolicy, amount: int) -> None:
    good = Known(agreement=AgreementState.ACTIVE)
    assert (why_not(policy, good, amount=amount) == ()) == (policy.pay_later and amount <= policy.cap_per_stay)


def decided(policy: BillingPolicy, known: Known, *, stands: bool, **of_exit: Any) -> Decision:
    """Of a stay with a fee of `total` whose first line is of `kind`."""
    total, kind = of_exit.pop("total"), of_exit.pop("kind", "flat")
    stay = cast(
        Row,
        {"reservation": of_exit.pop("reservation", None), "state": "rated", "entry_at": NOON - timedelta(hours=1)},
    )
    line = Line(kind=kind, amount=total, begins_s=0, ends_s=1)
    fee = Fee(total=total, currency="CNY", minor_digits=2, lines=(line,), plan="p", rises_at=None, changes_at=None)
    known_now = Standing(policy=policy, known=known, agreement=None, driver=None, channel=None)
    said: dict[str, Any] = {
        "standing": known_now,
        "paid": 0,
        "paid_at": None,
        "promise_charge": None,
        "promise_amount": 0,
    }
    return decide(stay, fee, AtExit(**{**said, **of_exit}), NOON, stands=stands)


@given(policies, knowns, fen, some.integers(0, 900), some.integers(1, 100_000))
def test_what_is_unpaid_never_holds_whoever_paid_or_was_promised_or_has_a_pass(
    policy: BillingPolicy, known: Known, total: int, ago_s: int, paid: int
) -> None:
    prepaid = decided(policy, known, stands=True, total=total, paid=paid, paid_at=NOON - timedelta(seconds=ago_s))
    assert prepaid.opens
    assert decided(policy, known, stands=True, total=total, reservation="rsv").way is Way.RESERVATION
    assert decided(policy, known, stands=True, total=0, kind="covered").way is Way.PERMIT


@given(policies, knowns, fen, some.booleans(), fen)
def test_nothing_is_asked_twice_and_nothing_is_lost(
    policy: BillingPolicy, known: Known, total: int, stands: bool, paid: int
) -> None:
    found = decided(
        policy, known, stands=stands, total=total, paid=paid, paid_at=NOON - timedelta(hours=2) if paid else None
    )
    assert found.amount == max(0, total - paid)
    assert found.opens or found.amount > 0
    assert found.opens or stands, "nobody holds a vehicle that has gone"
