"""Alipay's trade bill: a zip with CSV in GBK, comment lines, a tab behind every value, and a file of totals. Pure."""

import io
import zipfile
from typing import Final

from simulators.payment_channel.alipay_voice import moment
from simulators.payment_channel.bill import Bill, Line, yuan
from simulators.payment_channel.parties import Alipay

COLUMNS: Final = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,"
    "商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_STRIPE: Final = "#" + "-" * 56


def written(bill: Bill, parties: Alipay) -> bytes:
    """The zip."""
    name = f"{parties.seller_id}0156_{bill.day:%Y%m%d}"
    head = [
        "#支付宝业务明细查询",
        f"#账号：[{parties.seller_id}0156]",
        f"#起始日期：[{bill.day:%Y年%m月%d日} 00:00:00]   终止日期：[{bill.day:%Y年%m月%d日} 24:00:00]",
        f"{_STRIPE}业务明细列表",
    ]
    tail = [f"{_STRIPE}业务明细列表结束", "#导出时间：[0]"]
    details = [*head, COLUMNS, *(_row(line) for line in bill.lines), *tail]
    paid = sum(line.amount if line.refund is None else -line.amount for line in bill.lines)
    totals = [
        "#支付宝业务汇总查询",
        "门店编号,门店名称,交易订单总笔数,订单金额（元）",
        f"合计,\t,{len(bill.lines)}\t,{yuan(paid)}\t",
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"{name}_业务明细.csv"), _gbk(details))
        archive.writestr(zipfile.ZipInfo(f"{name}_业务明细(汇总).csv"), _gbk(totals))
    return packed.getvalue()


def _row(line: Line) -> str:
    is_refund = line.refund is not None
    amount = yuan(-line.amount if is_refund else line.amount)
    values = [
        line.transaction,
        line.number,
        "退款" if is_refund else "交易",
        "停车费",
        moment(line.at),
        moment(line.at),
        *("", "", "", ""),
        "user***@example.com",
        amount,
        amount,
        *("0.00", "0.00", "0.00", "0.00", "0.00"),
        "",
        *("0.00", "0.00"),
        line.refund or "",
        yuan(-line.fee),
        "0.00",
        "",
    ]
    return ",".join(f"{value}\t" for value in values)


def _gbk(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("gbk")
