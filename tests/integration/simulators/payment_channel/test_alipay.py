"""The simulated Alipay: what it verifies, refuses, answers, tells and bills."""

import io
import zipfile
from typing import Any

import aiohttp
import pytest

from kernel.clock import ManualClock
from simulators.payment_channel.mischief import Mischief
from simulators.payment_channel.truth import OrderState
from tests.conftest import Eventually
from tests.integration.simulators.payment_channel.conftest import Ear, Play, Playing

PAY = "alipay.eco.mycar.parking.order.pay"


def order(number: str = "pay1", **changed: Any) -> dict[str, Any]:
    return {
        "car_number": "辽A12345",
        "car_number_color": "BLUE",
        "out_trade_no": number,
        "subject": "停车费",
        "total_fee": "12.00",
        "seller_id": "2088000000000001",
        "parking_id": "PI1",
        "out_parking_id": "sy-heping-017",
        "is_advance": True,
    } | changed


async def test_a_charge_is_collected_told_found_and_not_collected_again(
    play: Play, ear: Ear, eventually: Eventually
) -> None:
    entered = await play.alipay.ask(
        "alipay.eco.mycar.parking.enterinfo.sync",
        {"parking_id": "PI1", "car_number": "辽A12345", "in_time": "2026-11-23 07:00:00", "agreement_query": True},
    )
    assert (entered["code"], entered["agreement_status"]) == ("10000", "0")
    paid = await play.alipay.ask(PAY, order(), notify_url=ear.url)
    assert (paid["code"], paid["total_fee"]) == ("10000", "12.00")
    await eventually(lambda: ear.heard)
    told = play.alipay.believed(ear.heard[0][1])
    assert told is not None
    assert (told["trade_status"], told["total_amount"], told["trade_no"]) == (
        "TRADE_SUCCESS",
        "12.00",
        paid["trade_no"],
    )
    found = await play.alipay.ask("alipay.trade.query", {"out_trade_no": "pay1"})
    assert (found["trade_status"], found["trade_no"]) == ("TRADE_SUCCESS", paid["trade_no"])
    again = await play.alipay.ask(PAY, order(), notify_url=ear.url)
    assert again["sub_code"] == "ACQ.TRADE_HAS_SUCCESS"
    other = await play.alipay.ask(PAY, order(total_fee="13.00"), notify_url=ear.url)
    assert other["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"
    left = {"parking_id": "PI1", "car_number": "辽A12345", "out_time": "2026-11-23 08:00:00"}
    assert (await play.alipay.ask("alipay.eco.mycar.parking.exitinfo.sync", left))["code"] == "10000"


async def test_a_pending_charge_is_told_later(
    playing: Playing, ear: Ear, clock: ManualClock, eventually: Eventually
) -> None:
    async with playing(Mischief(pending=1.0)) as play:
        assert (await play.alipay.ask(PAY, order(), notify_url=ear.url))["code"] == "10003"
        found = await play.alipay.ask("alipay.trade.query", {"out_trade_no": "pay1"})
        assert found["trade_status"] == "WAIT_BUYER_PAY"
        clock.advance(5)
        await eventually(lambda: ear.heard)
        assert play.channels.alipay.truth.orders["pay1"].state is OrderState.SUCCEEDED


async def test_signatures_and_times_are_looked_at(play: Play) -> None:
    asked = {"out_trade_no": "pay1"}
    forged = await play.alipay.ask("alipay.trade.query", asked, biz_content='{"out_trade_no":"pay2"}')
    assert forged["sub_code"] == "isv.invalid-signature"
    late = await play.alipay.ask("alipay.trade.query", asked, timestamp="2026-11-23 07:54:00")
    assert late["sub_code"] == "isv.invalid-signature"
    assert (await play.alipay.ask("alipay.trade.query", asked, app_id="1"))["sub_code"] == "isv.invalid-app-id"
    assert (await play.alipay.ask("alipay.trade.guess", asked))["sub_code"] == "isv.invalid-method"


async def test_a_request_of_another_time_is_refused(playing: Playing) -> None:
    async with playing() as play:
        play.alipay.off_s = 301.0
        asked = await play.alipay.ask("alipay.trade.query", {"out_trade_no": "pay1"})
        assert asked["sub_code"] == "isv.invalid-timestamp"


@pytest.mark.parametrize("amount", ["12", "12.0", "12.000", "-12.00", "0.00", "1,2.00", 12.0, None])
async def test_amounts_have_two_decimals(play: Play, amount: object) -> None:
    refused = await play.alipay.ask(PAY, order(total_fee=amount))
    assert refused["sub_code"] == "isv.invalid-parameter"
    assert refused["sub_msg"].startswith("total_fee:")


async def test_a_code_makes_a_trade_when_it_is_paid(
    play: Play, ear: Ear, clock: ManualClock, eventually: Eventually
) -> None:
    content = {"out_trade_no": "code1", "total_amount": "5.00", "subject": "停车费"}
    made = await play.alipay.ask("alipay.trade.precreate", content, notify_url=ear.url)
    assert made["qr_code"].startswith("https://qr.alipay.com/")
    found = await play.alipay.ask("alipay.trade.query", {"out_trade_no": "code1"})
    assert found["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    address = f"{play.channels.url}/_simulator/alipay/orders/code1/pay"
    async with aiohttp.ClientSession() as session, session.post(address) as answer:
        assert answer.status == 200
    await eventually(lambda: ear.heard)
    found = await play.alipay.ask("alipay.trade.query", {"out_trade_no": "code1"})
    assert found["trade_status"] == "TRADE_SUCCESS"


async def test_money_goes_back_once(play: Play, ear: Ear) -> None:
    await play.alipay.ask(PAY, order(), notify_url=ear.url)
    wanted = {"out_trade_no": "pay1", "out_request_no": "ref1", "refund_amount": "7.00"}
    assert (await play.alipay.ask("alipay.trade.refund", wanted))["fund_change"] == "Y"
    assert (await play.alipay.ask("alipay.trade.refund", wanted))["fund_change"] == "N"
    more = await play.alipay.ask("alipay.trade.refund", wanted | {"out_request_no": "ref2"})
    assert more["code"] == "40004"
    query = "alipay.trade.fastpay.refund.query"
    found = await play.alipay.ask(query, {"out_trade_no": "pay1", "out_request_no": "ref1"})
    assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", "7.00")
    unknown = await play.alipay.ask(query, {"out_trade_no": "pay1", "out_request_no": "ref2"})
    assert (unknown["code"], "refund_status" in unknown) == ("10000", False)


async def test_a_vehicle_without_an_agreement_cannot_be_charged(playing: Playing) -> None:
    async with playing(Mischief(out_of_service=1.0)) as play:
        asked = await play.alipay.ask("alipay.eco.mycar.parking.agreement.query", {"car_number": "辽A12345"})
        assert asked["agreement_status"] == "1"
        assert (await play.alipay.ask(PAY, order()))["sub_code"] == "ACQ.AGREEMENT_NOT_EXIST"


async def test_a_days_bill_is_there_the_next_morning(play: Play, ear: Ear, clock: ManualClock) -> None:
    await play.alipay.ask(PAY, order(), notify_url=ear.url)
    refund = {"out_trade_no": "pay1", "out_request_no": "ref1", "refund_amount": "7.00"}
    await play.alipay.ask("alipay.trade.refund", refund)
    method, asked = "alipay.data.dataservice.bill.downloadurl.query", {"bill_type": "trade", "bill_date": "2026-11-23"}
    assert (await play.alipay.ask(method, asked))["sub_code"] == "isp.bill_not_exist"
    clock.advance(26 * 3_600)
    address = (await play.alipay.ask(method, asked))["bill_download_url"]
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        packed = zipfile.ZipFile(io.BytesIO(await answer.read()))
    (name,) = (each for each in packed.namelist() if "汇总" not in each)
    lines = [line for line in packed.read(name).decode("gbk").splitlines() if not line.startswith("#")]
    titles, *rows = (line.split(",") for line in lines)
    paid, back = (dict(zip(titles, (value.strip() for value in row), strict=True)) for row in rows)
    assert (paid["业务类型"], paid["订单金额（元）"], paid["服务费（元）"]) == ("交易", "12.00", "-0.07")
    assert (back["业务类型"], back["订单金额（元）"], back["退款批次号/请求号"]) == ("退款", "-7.00", "ref1")
