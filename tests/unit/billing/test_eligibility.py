"""Who may leave first: the agreement, what is unpaid, the cap; and what an exit decides with it."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from billing.eligibility import AgreementState, Known, Reason, why_not
from billing.exit_decision import to_pay
from billing.exit_way import Way, decide
from billing.policy import BillingPolicy
from billing.standing import AtExit, Standing
from billing.tariffs.fee import Fee, Line
from contracts.orders import TEXT_CHARACTERS_MAX
from kernel.db import Row

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = BillingPolicy()
GOOD = Known(agreement=AgreementState.ACTIVE)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (None, Reason.NO_AGREEMENT),
        (AgreementState.ENDED, Reason.NO_AGREEMENT),
        (AgreementState.PENDING, Reason.AGREEMENT_PENDING),
        (AgreementState.PAUSED, Reason.AGREEMENT_PAUSED),
        (AgreementState.OVERDUE, Reason.AGREEMENT_OVERDUE),
    ],
)
def test_only_an_active_agreement_gives_credit(state: AgreementState | None, reason: Reason) -> None:
    assert why_not(POLICY, Known(agreement=state)) == (reason,)
    assert why_not(POLICY, GOOD) == ()


def test_every_reason_is_told_at_once() -> None:
    policy = BillingPolicy(pay_later=False, cap_per_stay=100)
    assert why_not(policy, Known(has_plate=False, unpaid=1), amount=101) == (
        Reason.NOT_OFFERED, Reason.NO_PLATE, Reason.UNPAID, Reason.OVER_CAP,
    )  # fmt: skip


def test_objections_count_as_unpaid_only_beyond_what_the_policy_bears() -> None:
    assert why_not(POLICY, Known(agreement=AgreementState.ACTIVE, disputed=2)) == ()
    assert why_not(POLICY, Known(agreement=AgreementState.ACTIVE, disputed=3)) == (Reason.UNPAID,)


def at_exit(known: Known = GOOD, *, policy: BillingPolicy = POLICY, **changes: Any) -> AtExit:
    """Of a vehicle that stands so and has paid nothing."""
    stands = Standing(policy=policy, known=known, agreement=None, driver=None, channel=None)
    said: dict[str, Any] = {
        "standing": stands,
        "paid": 0,
        "paid_at": None,
        "promise_charge": None,
        "promise_amount": 0,
    }
    return AtExit(**{**said, **changes})


def session(**changes: Any) -> Row:
    """What a decision reads of one."""
    return cast(Row, {"reservation": None, "state": "rated", "entry_at": NOON - timedelta(hours=1), **changes})


def fee(total: int, kind: Any = "flat") -> Fee:
    line = Line(kind=kind, amount=total, begins_s=0, ends_s=1)
    return Fee(total=total, currency="CNY", minor_digits=2, lines=(line,), plan="p", rises_at=None, changes_at=None)


POOR = Known(unpaid=3)
SHUT_TO_UNRATED = BillingPolicy(unrated_opens=False)
SHUT_TO_UNSEEN = BillingPolicy(unseen_opens=False)


@pytest.mark.parametrize(
    ("stay", "costs", "seen", "way"),
    [
        (session(), fee(0), at_exit(POOR), Way.FREE),
        (session(), fee(0, "covered"), at_exit(POOR), Way.PERMIT),
        (session(), fee(500), at_exit(POOR, paid=500, paid_at=NOON), Way.PREPAID),
        (session(), fee(500), at_exit(POOR, paid=300, paid_at=NOON - timedelta(minutes=15)), Way.PREPAID),
        (session(), fee(500), at_exit(POOR, paid=300, paid_at=NOON - timedelta(minutes=16)), Way.PAY_AT_BARRIER),
        (session(reservation="rsv"), None, at_exit(POOR), Way.RESERVATION),
        (session(reservation="rsv"), None, at_exit(POOR, promise_amount=5), Way.PAY_AT_BARRIER),
        (session(), fee(500), at_exit(), Way.PAY_LATER),
        (session(), fee(500), at_exit(POOR), Way.PAY_AT_BARRIER),
        (session(), fee(20_001), at_exit(), Way.PAY_AT_BARRIER),
        (session(), fee(20_001), at_exit(paid=1, paid_at=NOON - timedelta(hours=1)), Way.PAY_LATER),
        (session(state="exited"), None, at_exit(POOR), Way.UNRATED),
        (session(state="closed"), None, at_exit(POOR), Way.FREE),
        (session(state="exited"), None, at_exit(policy=SHUT_TO_UNRATED), Way.STAFF),
        (session(entry_at=None), None, at_exit(policy=SHUT_TO_UNSEEN), Way.STAFF),
        (session(entry_at=None), None, at_exit(policy=SHUT_TO_UNRATED), Way.UNRATED),
    ],
)  # fmt: skip
def test_the_first_way_that_fits(stay: Row, costs: Fee | None, seen: AtExit, way: Way) -> None:
    assert decide(stay, costs, seen, NOON, stands=True).way is way


def test_whoever_has_gone_is_not_held() -> None:
    for stay, costs, policy in (
        (session(), fee(500), POLICY),
        (session(state="exited"), None, BillingPolicy(unrated_opens=False)),
    ):
        assert decide(stay, costs, at_exit(POOR, policy=policy), NOON, stands=False).opens


def test_what_a_display_shows_fits_it() -> None:
    assert len(to_pay(999_999_999, f"chg_{0:032x}")) <= TEXT_CHARACTERS_MAX
    assert to_pay(1205, "chg_1") == "请付12.05元 Pay /pay/chg_1"


def test_reminders_end_with_the_writing_off() -> None:
    policy = BillingPolicy(remind_after_d=(3, 10, 400), write_off_after_d=30)
    looks = [policy.look_again_at(NOON, level=level) - NOON for level in range(4)]
    assert [look.days for look in looks] == [3, 10, 30, 30]
    assert policy.is_written_off(NOON, NOON + timedelta(days=30))
    assert not policy.is_written_off(NOON, NOON + timedelta(days=30, seconds=-1))


def test_a_car_parks_word_goes_before_the_citys() -> None:
    merged = BillingPolicy.merged({"unpaid_max": 1, "cap_per_stay": 5}, {"unpaid_max": 2})
    assert (merged.unpaid_max, merged.cap_per_stay, merged.exit_window_s) == (2, 5, 900)
    assert BillingPolicy.merged(None, None) == BillingPolicy()
