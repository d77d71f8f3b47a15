"""The fields of WeChat Pay's requests in partner mode, as its documentation demands them. Constants.

https://pay.weixin.qq.com/docs/partner/apis/wexin-pay-score-parking, .../partner-native-payment, .../refund
"""

from typing import Final

from simulators.payment_channel.fields import Address, Moment, OneOf, Part, Rules, Text, Whole

COLORS: Final = {
    "blue": "BLUE",
    "green": "GREEN",
    "yellow_green": "LIMEGREEN",
    "yellow": "YELLOW",
    "black": "BLACK",
    "white": "WHITE",
}
COLORS_BACK: Final = {theirs: ours for ours, theirs in COLORS.items()}

_PLATE: Final = Text(32, form=r"[\u4e00-\u9fffA-Z0-9]+")
_COLOR: Final = OneOf(tuple(COLORS.values()))
_MOMENT: Final = Moment(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", "%Y-%m-%dT%H:%M:%S%z")
_CNY: Final = OneOf(("CNY",), needed=False)
_FEN_MAX: Final = 10_000_000_000

FIND: Final[Rules] = {
    "appid": Text(32),
    "sub_mchid": Text(32),
    "plate_number": _PLATE,
    "plate_color": _COLOR,
    "openid": Text(128),
}
ENTRY: Final[Rules] = {
    "sub_mchid": Text(32),
    "out_parking_no": Text(64),
    "plate_number": _PLATE,
    "plate_color": _COLOR,
    "notify_url": Address(),
    "start_time": _MOMENT,
    "parking_name": Text(128),
    "free_duration": Whole(0),
}
CHARGE: Final[Rules] = {
    "appid": Text(32),
    "sub_appid": Text(32, needed=False),
    "sub_mchid": Text(32),
    "description": Text(128),
    "attach": Text(128, needed=False),
    "out_trade_no": Text(32, form=r"[0-9A-Za-z_\-*]+"),
    "trade_scene": OneOf(("PARKING",)),
    "goods_tag": Text(32, needed=False),
    "notify_url": Address(),
    "profit_sharing": OneOf(("Y", "N"), needed=False),
    "amount": Part({"total": Whole(1, _FEN_MAX), "currency": _CNY}),
    "parking_info": Part(
        {
            "parking_id": Text(32),
            "plate_number": _PLATE,
            "plate_color": _COLOR,
            "start_time": _MOMENT,
            "end_time": _MOMENT,
            "parking_name": Text(128),
            "charging_duration": Whole(0),
            "device_id": Text(32),
        }
    ),
}
NATIVE: Final[Rules] = {
    "sp_appid": Text(32),
    "sp_mchid": Text(32),
    "sub_appid": Text(32, needed=False),
    "sub_mchid": Text(32),
    "description": Text(127),
    "out_trade_no": Text(32, least=6, form=r"[0-9A-Za-z_\-|*]+"),
    "time_expire": Moment(_MOMENT.form, _MOMENT.read_as, needed=False),
    "attach": Text(128, needed=False),
    "notify_url": Address(),
    "amount": Part({"total": Whole(1, _FEN_MAX), "currency": _CNY}),
}
CLOSE: Final[Rules] = {"sp_mchid": Text(32), "sub_mchid": Text(32)}
REFUND: Final[Rules] = {
    "sub_mchid": Text(32),
    "transaction_id": Text(32, needed=False),
    "out_trade_no": Text(32, needed=False),
    "out_refund_no": Text(64, form=r"[0-9A-Za-z_\-|*@]+"),
    "reason": Text(80, needed=False, in_bytes=True),
    "notify_url": Address(needed=False),
    "amount": Part({"refund": Whole(1, _FEN_MAX), "total": Whole(1, _FEN_MAX), "currency": OneOf(("CNY",))}),
}
