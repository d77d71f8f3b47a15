"""The fields of Alipay's requests for parking, as its documentation demands them. Constants.

https://opendocs.alipay.com/apis/api_19 (parking), api_1 (trades), api_15 (bills)
"""

from typing import Final

from simulators.payment_channel.fields import Flag, Moment, OneOf, Rules, Text, Whole

COLORS: Final = {
    "BLUE": "blue",
    "GREEN": "green",
    "LIMEGREEN": "yellow_green",
    "YELLOW": "yellow",
    "BLACK": "black",
    "WHITE": "white",
}
_COLOR: Final = OneOf(tuple(COLORS), needed=False)
_PLATE: Final = Text(32, form=r"[\u4e00-\u9fffA-Z0-9]+")
_MOMENT: Final = Moment(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "%Y-%m-%d %H:%M:%S")
_MOMENT_OR_NOT: Final = Moment(_MOMENT.form, _MOMENT.read_as, needed=False)
_YUAN: Final = Text(11, form=r"(?!0+\.00)\d{1,8}\.\d{2}")
_NUMBER: Final = Text(64, form=r"[0-9A-Za-z_\-]+")
_USER: Final = Text(28, form=r"2088\d{12}", needed=False)

ENTER: Final[Rules] = {
    "parking_id": Text(32),
    "car_number": _PLATE,
    "car_color": _COLOR,
    "in_time": _MOMENT,
    "out_serial_no": Text(64, needed=False),
    "agreement_query": Flag(),
    "free_minutes": Whole(0, needed=False),
}
EXIT: Final[Rules] = {
    "parking_id": Text(32),
    "car_number": _PLATE,
    "car_color": _COLOR,
    "out_time": _MOMENT,
    "out_serial_no": Text(64, needed=False),
}
AGREEMENT: Final[Rules] = {"car_number": _PLATE, "car_number_color": _COLOR, "alipay_user_id": _USER}
PAY: Final[Rules] = {
    "car_number": _PLATE,
    "car_number_color": _COLOR,
    "out_trade_no": _NUMBER,
    "subject": Text(128),
    "total_fee": _YUAN,
    "seller_id": _USER,
    "parking_id": Text(32),
    "out_parking_id": Text(32),
    "is_advance": Flag(),
    "in_time": _MOMENT_OR_NOT,
    "out_time": _MOMENT_OR_NOT,
    "serial_no": Text(64, needed=False),
}
PRECREATE: Final[Rules] = {
    "out_trade_no": _NUMBER,
    "total_amount": _YUAN,
    "subject": Text(256),
    "seller_id": _USER,
    "time_expire": _MOMENT_OR_NOT,
}
QUERY: Final[Rules] = {"out_trade_no": Text(64, needed=False), "trade_no": Text(64, needed=False)}
REFUND: Final[Rules] = {
    "out_trade_no": Text(64, needed=False),
    "trade_no": Text(64, needed=False),
    "out_request_no": Text(64, form=r"[0-9A-Za-z_\-]+", needed=False),
    "refund_amount": _YUAN,
    "refund_reason": Text(256, needed=False),
}
REFUND_QUERY: Final[Rules] = {**QUERY, "out_request_no": Text(64)}
BILL: Final[Rules] = {"bill_type": OneOf(("trade",)), "bill_date": Text(10, form=r"\d{4}-\d\d-\d\d")}
