"""What a simulated channel knows, what goes wrong with it, and the bills it makes up."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from simulators.payment_channel.alipay_bill import written as written_by_alipay
from simulators.payment_channel.bill import Bills, DifferenceKind, fee_of, yuan
from simulators.payment_channel.fields import Address, FieldRefused, Part, Rules, Text, Whole, check
from simulators.payment_channel.mischief import RATES, Dice, Mischief
from simulators.payment_channel.parties import Alipay
from simulators.payment_channel.truth import (
    NumberTaken,
    Order,
    OrderState,
    Refund,
    RefundState,
    Truth,
    Vehicle,
    WrongMoment,
)
from simulators.payment_channel.wechat_words import BEIJING

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DAY = date(2026, 11, 23)


def order(number: str = "o1", amount: int = 1_200, **changed: object) -> Order:
    made = Order(
        number=number,
        transaction=f"t-{number}",
        way="later",
        amount=amount,
        told={"amount": amount},
        notify_url="",
        created_at=NOON,
        state=OrderState.ACCEPTED,
        plate=Vehicle("辽A12345", "blue"),
    )
    return msgspec.structs.replace(made, **changed)


def refund(number: str = "r1", of: str = "o1", amount: int = 500) -> Refund:
    return Refund(
        number=number, transaction=f"t-{number}", order=of, amount=amount, told={}, notify_url=None, created_at=NOON
    )


def paid(count: int) -> Truth:
    truth = Truth("42")
    for number in range(count):
        truth.place(order(f"o{number}", 100 + number))
        truth.succeed(f"o{number}", NOON + timedelta(seconds=number))
    return truth


def test_a_number_is_one_order_and_one_that_failed_may_be_tried_again() -> None:
    truth = Truth("42")
    assert truth.place(order()) == (order(), True)
    assert truth.place(order()) == (order(), False)
    with pytest.raises(NumberTaken):
        truth.place(order(amount=1_300))
    truth.fail("o1", "BANK_ERROR")
    assert truth.place(order(transaction="t2"))[1]
    truth.succeed("o1", NOON)
    with pytest.raises(WrongMoment):
        truth.fail("o1", "too late")


def test_refunds_never_pass_what_was_paid_and_a_failed_one_gives_it_free() -> None:
    truth = paid(1)
    with pytest.raises(WrongMoment):
        truth.refund(refund(of="o0", amount=101))
    truth.refund(refund(of="o0", amount=60))
    with pytest.raises(WrongMoment):
        truth.refund(refund("r2", of="o0", amount=41))
    assert truth.end_refund("r1", NOON, fails=True).state is RefundState.FAILED
    assert truth.refund(refund("r2", of="o0", amount=100))[1]
    with pytest.raises(NumberTaken):
        truth.refund(refund("r2", of="o0", amount=99))


def test_the_same_seed_meets_the_same_faults_whatever_else_may_go_wrong() -> None:
    one, other = Dice(Mischief(seed=7, busy=0.3)), Dice(Mischief(seed=7, busy=0.3, late=0.9))
    thrown = []
    for _ in range(200):
        other.throw("late")
        thrown.append((one.throw("busy"), other.throw("busy")))
    assert all(first == second for first, second in thrown)
    assert 30 < sum(first for first, _ in thrown) < 90


def test_rates_are_rates() -> None:
    assert {"busy", "never", "doubled", "overdue"} <= set(RATES)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"busy": 1.5}, Mischief)
    with pytest.raises(ValueError, match="more than all"):
        Mischief(overdue=0.6, paused=0.6)


@pytest.mark.parametrize("kind", list(DifferenceKind))
def test_every_difference_of_a_bill_is_on_record(kind: DifferenceKind) -> None:
    truth = paid(40)
    truth.refund(refund(of="o3", amount=50))
    truth.end_refund("r1", NOON, fails=False)
    bills = Bills(truth, Dice(Mischief(seed=3, **{str(kind): 0.3})), BEIJING)  # type: ignore[arg-type]  # a rate
    bill = bills.of(DAY)
    assert bill is bills.of(DAY)
    assert bill.seeded
    assert {each.kind for each in bill.seeded} == {kind}
    assert len({(each.number, each.refund) for each in bill.seeded}) == len(bill.seeded)
    wrong = {(each.number, each.refund): each for each in bill.seeded}
    billed: dict[tuple[str, str | None], int] = {}
    for line in bill.lines:
        billed[line.number, line.refund] = billed.get((line.number, line.refund), 0) + line.amount
    truly: dict[tuple[str, str | None], int] = {(o.number, None): o.amount for o in truth.orders.values()}
    truly["o3", "r1"] = 50
    for key in billed.keys() | truly.keys():
        if key in wrong:
            assert (truly.get(key), billed.get(key)) == (wrong[key].truly, wrong[key].billed)
        else:
            assert truly[key] == billed[key]


def test_a_bill_is_made_up_the_next_morning_and_has_the_days_own() -> None:
    truth = paid(3)
    bills = Bills(truth, Dice(Mischief()), BEIJING)
    assert not bills.is_closed(DAY, NOON, 9)
    assert not bills.is_closed(DAY, datetime(2026, 11, 24, 0, 59, tzinfo=UTC), 9)
    assert bills.is_closed(DAY, datetime(2026, 11, 24, 1, 0, tzinfo=UTC), 9)
    assert [line.number for line in bills.of(DAY).lines] == ["o0", "o1", "o2"]
    assert bills.of(date(2026, 11, 24)).lines == []


def test_money_is_written_to_the_fen() -> None:
    assert [yuan(fen) for fen in (0, 5, 1_230, -7)] == ["0.00", "0.05", "12.30", "-0.07"]
    assert [fee_of(fen) for fen in (1, 83, 84, 1_200)] == [0, 0, 1, 7]


def test_a_zip_of_the_same_bill_is_the_same() -> None:
    bill = Bills(paid(2), Dice(Mischief()), BEIJING).of(DAY)
    parties = Alipay(app_key="", alipay_key="", alipay_public_key="")
    assert written_by_alipay(bill, parties) == written_by_alipay(bill, parties)


def test_fields_are_checked_by_name_to_the_depth() -> None:
    rules: Rules = {"a": Text(3), "b": Part({"c": Whole(1)}), "d": Text(6, needed=False, in_bytes=True)}
    check({"a": "停车费", "b": {"c": 1}, "d": "停车", "more": object()}, rules)
    for body, field in (
        ({"b": {"c": 1}}, "a"),
        ({"a": "long", "b": {"c": 1}}, "a"),
        ({"a": "ok", "b": {"c": True}}, "b.c"),
        ({"a": "ok", "b": []}, "b"),
        ({"a": "ok", "b": {"c": 1}, "d": "停车费"}, "d"),
    ):
        with pytest.raises(FieldRefused) as refused:
            check(body, rules)
        assert refused.value.field == field


def test_notices_go_to_https_or_to_this_machine() -> None:
    Address().check("url", "https://example.com/callbacks/wechat")
    Address().check("url", "http://127.0.0.1:8080/v1/callbacks/wechat")
    for url in ("http://example.com/", "https://example.com/?a=1", "ftp://example.com/", ""):
        with pytest.raises(FieldRefused):
            Address().check("url", url)
