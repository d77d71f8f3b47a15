"""What is asked in the channels' words, and what theirs mean."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from billing.channels import alipay_wire, wechat_asked, wechat_told
from billing.channels.protocol import (
    Entry,
    LaterOrder,
    NowOrder,
    PaymentTold,
    Plate,
    PlateState,
    PlateTold,
    RefundOrder,
    RefundStanding,
    RefundTold,
    Standing,
)

AT = datetime(2026, 11, 24, 4, 0, 0, 123456, tzinfo=UTC)
CAR = Plate("辽AD12345", "yellow_green")
ENTRY = Entry(session="ses_" + "a" * 32, vehicle=CAR, car_park="sy-1", car_park_name="中" * 40, entry_at=AT)
ORDER = LaterOrder(
    out_trade_no="b" * 32,
    amount=1200,
    description="停车费 辽AD12345",
    entry=ENTRY,
    exit_at=AT + timedelta(hours=2),
    lane="X1",
)


def test_a_plate_is_quoted_before_it_is_signed() -> None:
    address = wechat_asked.find(CAR, "openid", appid="wx1", sub_mchid="2")
    assert address.isascii()
    assert "+" not in address
    query = parse_qs(urlsplit(address).query)
    assert query["plate_number"] == ["辽AD12345"]
    assert query["plate_color"] == ["LIMEGREEN"]


def test_an_entry_and_a_charge_in_wechats_words() -> None:
    entry = wechat_asked.parking(ENTRY, sub_mchid="2", notify_url="https://x/n")
    assert entry == {
        "sub_mchid": "2",
        "out_parking_no": "a" * 32,
        "plate_number": "辽AD12345",
        "plate_color": "LIMEGREEN",
        "notify_url": "https://x/n",
        "start_time": "2026-11-24T12:00:00+08:00",
        "parking_name": "中" * 32,
        "free_duration": 0,
    }
    charge = wechat_asked.later(
        ORDER, "5K8264", appid="wx1", sub_mchid="2", notify_url="https://x/n", profit_sharing=True
    )
    assert charge["amount"] == {"total": 1200, "currency": "CNY"}
    assert charge["profit_sharing"] == "Y"
    assert charge["parking_info"]["end_time"] == "2026-11-24T14:00:00+08:00"
    assert charge["parking_info"]["charging_duration"] == 7200
    assert (charge["trade_scene"], charge["parking_info"]["parking_id"]) == ("PARKING", "5K8264")


@pytest.mark.parametrize(
    ("state", "standing"),
    [
        ("SUCCESS", Standing.SUCCEEDED),
        ("PAY_BACK", Standing.SUCCEEDED),
        ("REFUND", Standing.SUCCEEDED),
        ("ACCEPTED", Standing.ACCEPTED),
        ("PAY_FAIL", Standing.FAILED),
        ("NOTPAY", Standing.WAITING),
        ("CLOSED", Standing.CLOSED),
    ],
)
def test_states_of_payments(state: str, standing: Standing) -> None:
    told = wechat_told.payment({"out_trade_no": "1", "trade_state": state})
    assert told.standing is standing
    assert told.is_repaid is (state == "PAY_BACK")


def test_what_wechat_advanced_and_what_was_paid_back() -> None:
    said: dict[str, Any] = {
        "out_trade_no": "1",
        "transaction_id": "42",
        "trade_state": "SUCCESS",
        "bank_type": "BPA",
        "user_repaid": "N",
        "success_time": "2026-11-24T12:00:00+08:00",
        "amount": {"total": 1200, "currency": "CNY"},
        "parking_info": {"plate_number": "辽AD12345", "plate_color": "LIMEGREEN"},
    }
    told = wechat_told.payment(said)
    assert told == PaymentTold(
        out_trade_no="1",
        standing=Standing.SUCCEEDED,
        amount=1200,
        transaction="42",
        plate=CAR,
        is_advanced=True,
        at=datetime(2026, 11, 24, 4, tzinfo=UTC),
    )
    assert wechat_told.payment(said | {"user_repaid": "Y"}).is_repaid
    assert not wechat_told.payment(said | {"bank_type": "CMB_DEBIT"}).is_advanced


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"out_trade_no": "1"},
        {"trade_state": "SUCCESS"},
        {"out_trade_no": 1, "trade_state": "SUCCESS"},
        {"out_trade_no": "1", "trade_state": "NEW_WORD"},
        {"out_trade_no": "1", "trade_state": "SUCCESS", "amount": {"total": 12.5}},
        {"out_trade_no": "1", "trade_state": "SUCCESS", "amount": {"total": True}},
    ],
)
def test_what_says_nothing_that_we_know_is_no_answer(said: dict[str, Any]) -> None:
    with pytest.raises(wechat_told.Unreadable):
        wechat_told.payment(said)
    heard = wechat_told.notification({"id": "EV-1", "event_type": "TRANSACTION.SUCCESS"}, said)
    assert (heard.id, heard.told) == ("EV-1", None)


def test_a_color_that_we_do_not_know_fits_no_vehicle() -> None:
    said = {"out_trade_no": "1", "trade_state": "ACCEPTED", "parking_info": {"plate_number": "辽AD12345"}}
    assert wechat_told.payment(said).plate == Plate("辽AD12345", "")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"parking_state": "NORMAL"}, PlateState.NORMAL),
        ({"parking_state": "BLOCKED", "blocked_state_description": "PAUSE"}, PlateState.PAUSE),
        ({"parking_state": "BLOCKED", "blocked_state_description": "OVERDUE"}, PlateState.OVERDUE),
        ({"parking_state": "BLOCKED", "blocked_state_description": "REMOVE"}, PlateState.OUT_SERVICE),
        ({"parking_state": "BLOCKED"}, PlateState.OUT_SERVICE),
    ],
)
def test_a_vehicle_s_state_is_told(said: dict[str, str], state: PlateState) -> None:
    plain = said | {
        "plate_number": "辽AD12345",
        "plate_color": "LIMEGREEN",
        "out_parking_no": "a" * 32,
        "state_update_time": "2026-11-24T12:00:00.000+08:00",
    }
    heard = wechat_told.notification({"id": "EV-1", "event_type": "VEHICLE.ENTRANCE_STATE_CHANGE"}, plain)
    assert heard.told == PlateTold(CAR, state, "ses_" + "a" * 32, datetime(2026, 11, 24, 4, tzinfo=UTC))


def test_refunds_in_wechats_words() -> None:
    order = RefundOrder(out_refund_no="c" * 32, out_trade_no="b" * 32, amount=500, paid=1200, reason="慢" * 100)
    assert wechat_asked.refund(order, sub_mchid="2", notify_url="https://x/n") == {
        "sub_mchid": "2",
        "out_trade_no": "b" * 32,
        "out_refund_no": "c" * 32,
        "reason": "慢" * 80,
        "notify_url": "https://x/n",
        "amount": {"refund": 500, "total": 1200, "currency": "CNY"},
    }
    for word, standing in (("PROCESSING", "processing"), ("SUCCESS", "succeeded"), ("ABNORMAL", "failed")):
        told = wechat_told.refunded({"out_refund_no": "c", "refund_status": word, "amount": {"refund": 500}})
        assert (told.standing, told.amount) == (RefundStanding(standing), 500)


@pytest.mark.parametrize(("fen", "yuan"), [(0, "0.00"), (1, "0.01"), (10, "0.10"), (1230, "12.30"), (-1205, "-12.05")])
def test_fen_are_yuan_with_two_decimals(fen: int, yuan: str) -> None:
    assert alipay_wire.yuan(fen) == yuan
    assert alipay_wire.fen(yuan) == fen


@pytest.mark.parametrize(("text", "fen"), [("12", 1200), ("12.3", 1230), ("0.5", 50), ("999999999.99", 99_999_999_999)])
def test_yuan_are_read_as_they_are_written(text: str, fen: int) -> None:
    assert alipay_wire.fen(text) == fen


@pytest.mark.parametrize("text", ["", "12.345", "1e3", "12,00", "¥12", "١٢", ".5", "12.", None, 12, 12.0, "NaN", " 1"])
def test_what_is_no_amount_is_refused(text: object) -> None:
    with pytest.raises(alipay_wire.Unreadable):
        alipay_wire.fen(text)


def test_a_charge_and_a_code_in_alipays_words() -> None:
    assert alipay_wire.later(ORDER, parking_id="PI1", seller_id="2088") == {
        "car_number": "辽AD12345",
        "car_number_color": "LIMEGREEN",
        "out_trade_no": "b" * 32,
        "subject": "停车费 辽AD12345",
        "total_fee": "12.00",
        "seller_id": "2088",
        "parking_id": "PI1",
        "out_parking_id": "sy-1",
        "is_advance": True,
    }
    now = NowOrder(out_trade_no="b", amount=5, description="x", expires_at=AT)
    assert alipay_wire.now(now, seller_id="2088")["total_amount"] == "0.05"
    assert alipay_wire.now(now, seller_id="2088")["time_expire"] == "2026-11-24 12:00:00"
    assert alipay_wire.entered(ENTRY, "PI1")["in_time"] == "2026-11-24 12:00:00"


def test_alipays_answers() -> None:
    paid = {"code": "10000", "out_trade_no": "1", "trade_no": "20", "total_fee": "12.00", "advance_amount": "12.00"}
    told = alipay_wire.collected(paid, "1")
    assert (told.standing, told.amount, told.is_advanced) == (Standing.SUCCEEDED, 1200, True)
    assert alipay_wire.collected({"code": "10003"}, "1").standing is Standing.ACCEPTED
    with pytest.raises(alipay_wire.Unreadable):
        alipay_wire.collected(paid, "2")
    assert alipay_wire.agreement({"agreement_status": "0"}) is PlateState.NORMAL
    assert alipay_wire.agreement({"agreement_status": "1"}) is PlateState.OUT_SERVICE
    assert alipay_wire.refund_status({}, "r").standing is RefundStanding.UNKNOWN
    done = alipay_wire.refund_status({"refund_status": "REFUND_SUCCESS", "refund_amount": "5.00"}, "r")
    assert (done.standing, done.amount) == (RefundStanding.SUCCEEDED, 500)
    order = RefundOrder(out_refund_no="r", out_trade_no="1", amount=500, paid=1200, reason="x")
    assert alipay_wire.given_back({"fund_change": "Y"}, order).standing is RefundStanding.SUCCEEDED
    assert alipay_wire.given_back({"fund_change": "N"}, order).standing is RefundStanding.PROCESSING


def test_alipays_notifications() -> None:
    said = {
        "notify_id": "n1",
        "notify_type": "trade_status_sync",
        "out_trade_no": "1",
        "trade_no": "20",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "12.00",
        "gmt_payment": "2026-11-24 12:00:00",
    }
    heard = alipay_wire.notification(said)
    assert isinstance(heard.told, PaymentTold)
    assert (heard.id, heard.told.amount, heard.told.standing) == ("n1", 1200, Standing.SUCCEEDED)
    refund = alipay_wire.notification(said | {"out_biz_no": "r1", "refund_fee": "5.00"})
    assert isinstance(refund.told, RefundTold)  # how much of it this one was is not said: it is asked for
    assert (refund.told.out_refund_no, refund.told.standing) == ("r1", RefundStanding.PROCESSING)
    assert alipay_wire.notification({"notify_id": "n2"}).told is None


@pytest.mark.parametrize("wrong", ["EV\x001", "a" * 129, 7, None])
def test_numbers_of_notifications_that_are_none_are_empty(wrong: Any) -> None:
    assert wechat_told.notification({"id": wrong, "event_type": wrong}, {}).id == ""
    if isinstance(wrong, str):
        assert alipay_wire.notification({"notify_id": wrong}).id == ""
