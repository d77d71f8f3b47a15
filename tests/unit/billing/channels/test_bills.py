"""Bills of a day, whole or not."""

import io
import zipfile
from datetime import UTC, datetime

import pytest

from billing.channels import alipay_bill, wechat_bill
from billing.channels.protocol import BillLine, ChannelAway, LineKind

WECHAT = "\r\n".join(
    [
        "﻿交易时间,微信订单号,商户订单号,交易状态,应结订单金额,微信退款单号,商户退款单号,退款金额,手续费,订单金额",
        "`2026-11-24 12:00:00,`42,`b1,`SUCCESS,`12.00,`0,`0,`0.00,`0.07000,`12.00",
        "`2026-11-24 13:00:00,`42,`b1,`REFUND,`0.00,`50,`c1,`5.00,`-0.03000,`0.00",
        "总交易单数,应结订单总金额",
        "`2,`12.00",
        "",
    ]
)
ALIPAY = "\r\n".join(
    [
        "#支付宝业务明细查询",
        "#-----业务明细列表",
        "支付宝交易号,商户订单号,业务类型,完成时间,订单金额（元）,退款批次号/请求号,服务费（元）",
        "20\t,b1\t,交易\t,2026-11-24 12:00:00\t,12.00\t,\t,-0.07\t",
        "20\t,b1\t,退款\t,2026-11-24 13:00:00\t,-5.00\t,c1\t,0.03\t",
        "#-----业务明细列表结束",
        "",
    ]
)


def expected(payment: str, refund: str) -> list[BillLine]:
    noon = datetime(2026, 11, 24, 4, tzinfo=UTC)
    return [
        BillLine(kind=LineKind.PAYMENT, out_trade_no="b1", transaction=payment, amount=1200, fee=7, at=noon),
        BillLine(
            kind=LineKind.REFUND,
            out_trade_no="b1",
            transaction=refund,
            out_refund_no="c1",
            amount=500,
            fee=-3,
            at=noon.replace(hour=5),
        ),
    ]


def packed(text: str, name: str = "20880000_业务明细.csv") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, text.encode("gbk"))
        archive.writestr("20880000_业务明细(汇总).csv", "#".encode("gbk"))
    return out.getvalue()


def test_wechats_bill() -> None:
    assert wechat_bill.read_bill(WECHAT.encode()) == expected("42", "50")


@pytest.mark.parametrize(
    "text",
    ["", "nothing", WECHAT.split("总交易")[0], WECHAT.replace("`2,", "`3,"), WECHAT.replace("`12.00\r\n`", "`x\r\n`")],
)
def test_a_bill_that_is_not_whole_is_none(text: str) -> None:
    with pytest.raises(ChannelAway, match="cannot be read"):
        wechat_bill.read_bill(text.encode())


def test_fees_of_less_than_a_fen_are_rounded_as_they_are_settled() -> None:
    assert [wechat_bill.fen(text) for text in ("0.00600", "0.00500", "0.01500", "-0.03000")] == [1, 1, 2, -3]


def test_alipays_bill() -> None:
    assert alipay_bill.read_bill(packed(ALIPAY)) == expected("20", "20")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"PK",
        packed(ALIPAY.rsplit("#", 1)[0]),
        packed("", "x.txt"),
        packed(""),
        packed(ALIPAY.replace("12.00", "twelve")),
    ],
)
def test_an_archive_that_holds_no_whole_bill_is_none(document: bytes) -> None:
    with pytest.raises(ChannelAway, match="cannot be read"):
        alipay_bill.read_bill(document)
