"""WeChat Pay's trade bill: CSV with a byte-order mark, every value behind a backtick, a summary below. Pure."""

from typing import Final

from simulators.payment_channel.bill import FEE_BP, Bill, Line, yuan
from simulators.payment_channel.parties import WeChat
from simulators.payment_channel.wechat_words import BEIJING

COLUMNS: Final = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMMARY: Final = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


def written(bill: Bill, parties: WeChat) -> bytes:
    """The file."""
    rows = [_row(line, parties) for line in bill.lines]
    paid = sum(line.amount for line in bill.lines if line.refund is None)
    back = sum(line.amount for line in bill.lines if line.refund is not None)
    fees = sum(line.fee for line in bill.lines)
    totals = (str(len(rows)), yuan(paid), yuan(back), "0.00", yuan(fees), yuan(paid), yuan(back))
    lines = [COLUMNS, *(_csv(row) for row in rows), SUMMARY, _csv(totals)]
    return "\ufeff".encode() + "".join(f"{line}\r\n" for line in lines).encode()


def _row(line: Line, parties: WeChat) -> tuple[str, ...]:
    is_refund = line.refund is not None
    paid, back = ("0.00", yuan(line.amount)) if is_refund else (yuan(line.amount), "0.00")
    return (
        f"{line.at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}",
        parties.appid,
        parties.mchid,
        parties.sub_mchid,
        "",
        line.transaction,
        line.number,
        "oUpF8uMuAJOM2pxb1Q",
        "PARKING" if line.is_later else "NATIVE",
        "REFUND" if is_refund else "SUCCESS",
        "BPA" if line.is_advanced else "OTHERS",
        "CNY",
        paid,
        "0.00",
        line.refund_transaction or "0",
        line.refund or "0",
        back,
        "0.00",
        "ORIGINAL" if is_refund else "",
        "SUCCESS" if is_refund else "",
        "停车费",
        "",
        _fee(line.fee),
        f"{FEE_BP / 100:.2f}%",
        paid,
        back,
        "",
    )


def _csv(values: tuple[str, ...]) -> str:
    return ",".join(f"`{value}" for value in values)


def _fee(fen: int) -> str:
    """Five decimals, as the real one has."""
    return f"{yuan(fen)}000"
