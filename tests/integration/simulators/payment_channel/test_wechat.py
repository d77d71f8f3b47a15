"""The simulated WeChat Pay: what it verifies, refuses, answers, tells and bills."""

import hashlib
import json
from functools import partial
from typing import Any

import aiohttp
import pytest
from cryptography.x509 import load_pem_x509_certificate

from kernel.clock import ManualClock
from simulators.payment_channel.mischief import Mischief
from simulators.payment_channel.truth import OrderState
from tests.conftest import Eventually
from tests.integration.simulators.payment_channel.conftest import Ear, Play, Playing

LATER = "/v3/vehicle/transactions/parking"


def read_notice(play: Play, ear: Ear, number: int = -1) -> tuple[str, dict[str, object]]:
    """Event type and plain text of a notice that is believed."""
    headers, body = ear.heard[number]
    assert play.wechat.believes(headers, body)
    notice = json.loads(body)
    return notice["event_type"], json.loads(play.wechat.opened(notice["resource"]))


async def test_a_charge_is_accepted_then_told_and_found(
    play: Play, ear: Ear, clock: ManualClock, eventually: Eventually
) -> None:
    charge = await play.accepted("pay1")
    assert not ear.heard
    clock.advance(5)
    await eventually(lambda: ear.heard)
    event, plain = read_notice(play, ear)
    assert event == "TRANSACTION.SUCCESS"
    assert plain["amount"] == {"total": 1_200, "currency": "CNY", "payer_total": 1_200}
    assert plain["parking_info"] == charge["parking_info"]
    answer = await play.wechat.get(
        "/v3/vehicle/transactions/out-trade-no/pay1", sub_mchid=play.wechat.parties.sub_mchid
    )
    assert play.wechat.believes(answer.headers, answer.body)
    assert answer.json["trade_state"] == "SUCCESS"
    assert answer.json["transaction_id"] == plain["transaction_id"]
    again = await play.wechat.post(LATER, charge)
    assert (again.status, again.json["trade_state"]) == (200, "SUCCESS")
    assert len(play.channels.wechat.truth.orders) == 1


async def test_the_signature_is_over_the_path_as_it_was_sent(play: Play) -> None:
    parties = play.wechat.parties
    asked = f"?appid={parties.appid}&sub_mchid={parties.sub_mchid}&plate_color=BLUE&openid=o1&plate_number="
    base = "/v3/vehicle/parking/services/find"
    quoted, plain = f"{base}{asked}%E8%BE%BDA12345", f"{base}{asked}辽A12345"
    assert (await play.wechat.send("GET", quoted, b"")).json["service_state"] == "NORMAL"
    refused = await play.wechat.send("GET", quoted, b"", signed_target=plain)
    assert (refused.status, refused.json["code"]) == (401, "SIGN_ERROR")


@pytest.mark.parametrize("off_s", [-301.0, 301.0])
async def test_a_request_of_another_time_is_refused(play: Play, off_s: float) -> None:
    refused = await play.wechat.send("GET", "/v3/certificates", b"", off_s=off_s)
    assert (refused.status, refused.json["code"]) == (401, "SIGN_ERROR")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"out_trade_no": "x" * 33}, "out_trade_no"),
        ({"out_trade_no": "a b"}, "out_trade_no"),
        ({"description": None}, "description"),
        ({"trade_scene": "GAS"}, "trade_scene"),
        ({"notify_url": "http://example.com/x"}, "notify_url"),
        ({"notify_url": "https://example.com/x?a=1"}, "notify_url"),
        ({"amount": {"total": 12.5}}, "amount.total"),
        ({"amount": {"total": 0}}, "amount.total"),
        ({"parking_info": {"parking_id": "1"}}, "parking_info.plate_number"),
    ],
)
async def test_fields_are_as_documented_or_refused(play: Play, changed: dict[str, Any], field: str) -> None:
    refused = await play.wechat.post(LATER, play.charge("pay1", "1", **changed))
    assert (refused.status, refused.json["code"]) == (400, "PARAM_ERROR")
    assert refused.json["message"].startswith(f"{field}:")


async def test_a_number_belongs_to_one_order(play: Play) -> None:
    charge = await play.accepted("pay1")
    other = await play.wechat.post(LATER, charge | {"amount": {"total": 1_300, "currency": "CNY"}})
    assert (other.status, other.json["code"]) == (403, "OUT_TRADE_NO_USED")
    entry = await play.wechat.post("/v3/vehicle/parking/parkings", play.entry("e-pay1", "辽A99999"))
    assert entry.json["code"] == "ALREADY_EXISTS"


async def test_a_vehicle_that_owes_is_blocked_and_whoever_announced_it_hears(
    play: Play, ear: Ear, eventually: Eventually, clock: ManualClock
) -> None:
    entered = await play.wechat.post("/v3/vehicle/parking/parkings", play.entry())
    assert entered.json["state"] == "NORMAL"
    async with (
        aiohttp.ClientSession() as session,
        session.put(
            f"{play.channels.url}/_simulator/wechat/plates",
            json={"plate": "辽A12345", "color": "blue", "state": "OVERDUE"},
        ) as answer,
    ):
        assert answer.status == 200
    await eventually(lambda: ear.heard)
    event, plain = read_notice(play, ear)
    assert event == "VEHICLE.ENTRANCE_STATE_CHANGE"
    assert (plain["parking_state"], plain["blocked_state_description"]) == ("BLOCKED", "OVERDUE")
    refused = await play.wechat.post(LATER, play.charge("pay1", entered.json["id"]))
    assert (refused.status, refused.json["code"]) == (403, "TRADE_ERROR")
    again = await play.wechat.post("/v3/vehicle/parking/parkings", play.entry("e2"))
    assert (again.json["state"], again.json["block_reason"]) == ("BLOCKED", "OVERDUE")


async def test_what_the_channel_advanced_is_paid_back_later(
    playing: Playing, ear: Ear, clock: ManualClock, eventually: Eventually
) -> None:
    async with playing(Mischief(advanced=1.0)) as play:
        await play.accepted("pay1")
        clock.advance(5)
        await eventually(lambda: len(ear.heard) == 1)
        _, plain = read_notice(play, ear)
        assert (plain["bank_type"], plain["user_repaid"]) == ("BPA", "N")
        clock.advance(86_400)
        await eventually(lambda: len(ear.heard) == 2)
        event, plain = read_notice(play, ear)
        assert (event, plain["user_repaid"]) == ("TRANSACTION.PAY_BACK", "Y")


async def test_a_notice_is_told_again_until_it_is_taken(
    play: Play, ear: Ear, clock: ManualClock, eventually: Eventually
) -> None:
    ear.says = [(500, b""), (401, b"")]
    await play.accepted("pay1")
    told = play.channels.wechat.teller.told
    for pause_s in (5, 15, 15):
        before = len(told)
        clock.advance(pause_s)
        await eventually(partial(_is_longer, told, before))
    clock.advance(86_400)
    assert len({json.loads(body)["id"] for _, body in ear.heard}) == 1
    assert [attempt.is_taken for attempt in told] == [False, False, True]


def _is_longer(book: list[Any], than: int) -> bool:
    return len(book) > than


@pytest.mark.parametrize("spoil", ["stale_time", "bad_signature", "sign_test"])
async def test_a_spoiled_notice_is_not_to_be_believed_and_the_next_one_is(
    playing: Playing, ear: Ear, clock: ManualClock, eventually: Eventually, spoil: str
) -> None:
    async with playing(Mischief(**{spoil: 1.0})) as play:  # type: ignore[arg-type]  # a rate
        ear.says = [(401, b"")]
        await play.accepted("pay1")
        clock.advance(5)
        await eventually(lambda: len(ear.heard) == 1)
        assert not play.wechat.believes(*ear.heard[0])
        await eventually(lambda: play.channels.wechat.teller.told)
        clock.advance(15)
        await eventually(lambda: len(ear.heard) == 2)
        assert play.wechat.believes(*ear.heard[1])


@pytest.mark.parametrize("spoil", ["wrong_amount", "wrong_plate"])
async def test_an_untrue_notice_is_well_signed(
    playing: Playing, ear: Ear, clock: ManualClock, eventually: Eventually, spoil: str
) -> None:
    async with playing(Mischief(**{spoil: 1.0})) as play:  # type: ignore[arg-type]  # a rate
        charge = await play.accepted("pay1")
        clock.advance(5)
        await eventually(lambda: ear.heard)
        _, plain = read_notice(play, ear)
        amount, info = plain["amount"], plain["parking_info"]
        assert isinstance(amount, dict)
        assert (amount["total"] != 1_200, info != charge["parking_info"]) == (
            spoil == "wrong_amount",
            spoil == "wrong_plate",
        )


async def test_notices_come_twice_late_or_never(
    playing: Playing, ear: Ear, clock: ManualClock, eventually: Eventually
) -> None:
    async with playing(Mischief(twice=1.0, late=1.0, late_s=(3_600, 3_600))) as play:
        await play.accepted("pay1")
        clock.advance(5)
        await eventually(lambda: play.channels.wechat.truth.orders["pay1"].state is OrderState.SUCCEEDED)
        assert not ear.heard
        clock.advance(3_600)
        await eventually(lambda: len(ear.heard) == 2)
    async with playing(Mischief(never=1.0)) as play:
        await play.accepted("pay2")
        clock.advance(90_000)
        await eventually(lambda: play.channels.wechat.teller.never)
        assert len(ear.heard) == 2


async def test_answers_that_are_lost_were_done_all_the_same(playing: Playing) -> None:
    async with playing() as play:
        entered = await play.wechat.post("/v3/vehicle/parking/parkings", play.entry())
        charge = play.charge("pay1", entered.json["id"])
        await _mischief(play, {"lost_answer": 1.0})
        with pytest.raises(aiohttp.ClientError):
            await play.wechat.post(LATER, charge)
        assert "pay1" in play.channels.wechat.truth.orders
        await _mischief(play, {"broken_after": 1.0})
        assert (await play.wechat.post(LATER, charge | {"out_trade_no": "pay2"})).status == 500
        assert "pay2" in play.channels.wechat.truth.orders
        for fault, status in (("busy", 429), ("broken", 500)):
            await _mischief(play, {fault: 1.0})
            assert (await play.wechat.post(LATER, charge | {"out_trade_no": "pay3"})).status == status
        assert "pay3" not in play.channels.wechat.truth.orders


async def _mischief(play: Play, rates: dict[str, float]) -> None:
    address = f"{play.channels.url}/_simulator/wechat/mischief"
    async with aiohttp.ClientSession() as session, session.put(address, json=rates) as answer:
        assert answer.status == 200


async def test_a_code_is_paid_closed_or_runs_out(play: Play, clock: ManualClock, eventually: Eventually) -> None:
    ours = play.wechat.parties
    who = {"sp_mchid": ours.mchid, "sub_mchid": ours.sub_mchid}

    async def state(number: str) -> str:
        answer = await play.wechat.get(f"/v3/pay/partner/transactions/out-trade-no/{number}", **who)
        return str(answer.json.get("trade_state") or answer.json["code"])

    for number in ("code01", "code02", "code03"):
        order = who | {
            "sp_appid": ours.appid,
            "description": "停车费",
            "out_trade_no": number,
            "time_expire": "2026-11-23T08:30:00+08:00",
            "notify_url": play.ear.url,
            "amount": {"total": 500, "currency": "CNY"},
        }
        answer = await play.wechat.post("/v3/pay/partner/transactions/native", order)
        assert answer.json["code_url"].startswith("weixin://")
    assert await state("code01") == "NOTPAY"
    address = f"{play.channels.url}/_simulator/wechat/orders/code01/pay"
    async with aiohttp.ClientSession() as session, session.post(address) as paid:
        assert paid.status == 200
    closed = await play.wechat.post("/v3/pay/partner/transactions/out-trade-no/code02/close", who)
    assert closed.status == 204
    clock.advance(1_801)
    await eventually(lambda: play.channels.wechat.truth.orders["code03"].state is OrderState.CLOSED)
    assert [await state(number) for number in ("code01", "code02", "code03", "code04")] == [
        "SUCCESS",
        "CLOSED",
        "CLOSED",
        "ORDER_NOT_EXIST",
    ]


async def test_money_goes_back_once_and_never_more_than_came(
    play: Play, ear: Ear, clock: ManualClock, eventually: Eventually
) -> None:
    await play.accepted("pay1")
    clock.advance(5)
    await eventually(lambda: ear.heard)
    ours = {"sub_mchid": play.wechat.parties.sub_mchid}
    wanted = ours | {
        "out_trade_no": "pay1",
        "out_refund_no": "ref1",
        "notify_url": play.ear.url,
        "amount": {"refund": 700, "total": 1_200, "currency": "CNY"},
    }
    path = "/v3/refund/domestic/refunds"
    assert (await play.wechat.post(path, wanted)).json["status"] == "PROCESSING"
    assert (await play.wechat.post(path, wanted)).status == 200
    more = await play.wechat.post(path, wanted | {"out_refund_no": "ref2"})
    assert (more.status, more.json["code"]) == (400, "INVALID_REQUEST")
    clock.advance(5)
    await eventually(lambda: len(ear.heard) == 2)
    event, plain = read_notice(play, ear)
    assert (event, plain["refund_status"], plain["out_refund_no"]) == ("REFUND.SUCCESS", "SUCCESS", "ref1")
    assert (await play.wechat.get(f"{path}/ref1", **ours)).json["status"] == "SUCCESS"
    assert (await play.wechat.get(f"{path}/ref2", **ours)).status == 404


async def test_a_days_bill_is_there_the_next_morning(
    play: Play, ear: Ear, clock: ManualClock, eventually: Eventually
) -> None:
    await play.accepted("pay1")
    clock.advance(5)
    await eventually(lambda: ear.heard)
    asked = {"bill_date": "2026-11-23", "bill_type": "ALL"}
    assert (await play.wechat.get("/v3/bill/tradebill", **asked)).json["code"] == "STATEMENT_CREATING"
    clock.advance(26 * 3_600)
    answer = await play.wechat.get("/v3/bill/tradebill", **asked)
    target = answer.json["download_url"].removeprefix(play.channels.url)
    file = await play.wechat.send("GET", target, b"")
    assert hashlib.sha1(file.body, usedforsecurity=False).hexdigest() == answer.json["hash_value"]
    titles, row, _, totals = (line.split(",") for line in file.body.decode("utf-8-sig").splitlines())
    line = dict(zip(titles, (value.removeprefix("`") for value in row), strict=True))
    assert (line["商户订单号"], line["订单金额"], line["手续费"]) == ("pay1", "12.00", "0.07000")
    assert totals[0] == "`1"


async def test_its_certificate_is_told_sealed(play: Play) -> None:
    answer = await play.wechat.get("/v3/certificates")
    (held,) = answer.json["data"]
    pem = play.wechat.opened(held["encrypt_certificate"])
    assert f"{load_pem_x509_certificate(pem).serial_number:X}" == held["serial_no"]
