"""What the generated city charges, by the names under which its car parks carry their prices.

Tariffs as real cities have them; pure data, in the format of docs/tariffs.md. Every one also knows permits for the
disabled and for staff, monthly passes and vouchers of five yuan; shops of a mall validate two hours.
"""

from collections.abc import Mapping
from typing import Any, Final

_DAY_H: Final = 24


def _per_hour(yuan: int) -> dict[str, Any]:
    return {"kind": "units", "steps": [{"amount": yuan * 100, "unit_min": 60}]}


def _first_hour(yuan: int, then_fen: int, unit_min: int) -> dict[str, Any]:
    first = {"amount": yuan * 100, "unit_min": 60, "until_min": 60}
    return {"kind": "units", "steps": [first, {"amount": then_fen, "unit_min": unit_min}]}


def _at_most(*yuan: int) -> list[dict[str, Any]]:
    return [{"per": "hours", "hours": _DAY_H, "amounts": [one * 100 for one in yuan]}]


def _free(minutes: int) -> dict[str, Any]:
    return {"minutes": minutes, "charge_from": "end_of_free"}


def _window(name: str, hours: tuple[str, str], charge: dict[str, Any], **more: Any) -> dict[str, Any]:
    zh, en = _WINDOWS[name]
    begins, ends = hours
    return {
        "id": name,
        "name": {"zh": zh, "en": en},
        "from_time": begins,
        "until_time": ends,
        "charge": charge,
        **more,
    }


def _day_and_night(day: tuple[str, str], yuan: int, night_yuan: int) -> dict[str, Any]:
    night = {"kind": "flat", "amount": night_yuan * 100}
    windows = [_window("day", day, _per_hour(yuan)), _window("night", (day[1], day[0]), night)]
    return {"windows": windows, "boundary": "split"}


_WINDOWS: Final = {
    "day": ("白天", "day"),
    "night": ("夜间", "night"),
    "weekend": ("周末及节假日", "weekends and holidays"),
    "workday": ("工作日", "workdays"),
}
_WHOLE_DAY: Final = ("00:00", "24:00")

_PLANS: Final[Mapping[str, dict[str, Any]]] = {
    "first-hour-5": {"charge": _first_hour(5, 300, 60), "caps": _at_most(40)},
    "half-hour-free-4": {"free": _free(30), "charge": _per_hour(4), "caps": _at_most(50)},
    "quarter-free-5": {"free": _free(15), "charge": _per_hour(5), "caps": _at_most(60)},
    "mall-first-hour-5": {"charge": _first_hour(5, 200, 30), "caps": _at_most(40)},
    "mall-half-hour-free-4": {"free": _free(30), "charge": _per_hour(4), "caps": _at_most(50)},
    "mall-weekend-6": {
        "windows": [
            _window("weekend", _WHOLE_DAY, _per_hour(6), days=["weekend", "holiday"]),
            _window("workday", _WHOLE_DAY, _per_hour(4)),
        ],
        "boundary": "carry",
        "caps": [{"per": "day", "amounts": [4800]}],
    },
    "hospital-half-hour-free-3": {"free": _free(30), "charge": _per_hour(3), "caps": _at_most(20)},
    "hospital-hour-free-2": {"free": _free(60), "charge": _per_hour(2), "caps": _at_most(20)},
    "hospital-day-4": {**_day_and_night(("07:00", "21:00"), 4, 5), "caps": _at_most(30)},
    "hour-free-2": {"free": _free(60), "charge": _per_hour(2), "caps": _at_most(15)},
    "visit-3": {"charge": {"kind": "flat", "amount": 300, "once": "stay"}},
    "homes-hour-free-2": {"free": _free(60), "charge": _per_hour(2), "caps": _at_most(15)},
    "homes-day-2-night-5": _day_and_night(("07:00", "19:00"), 2, 5),
    "kerb-6": {"windows": [_window("day", ("07:00", "21:00"), _per_hour(6))], "boundary": "split"},
    "kerb-4": {"windows": [_window("day", ("08:00", "20:00"), _per_hour(4))], "boundary": "split"},
    "hub-5": {"free": _free(15), "charge": _per_hour(5), "caps": _at_most(60, 40)},
}
_DISABLED: Final = {
    "id": "disabled",
    "name": {"zh": "残疾人车辆", "en": "disabled"},
    "kind": "permit",
    "exempt": True,
}
_STAFF: Final = {"id": "staff", "name": {"zh": "员工", "en": "staff"}, "kind": "permit", "exempt": True}
_MONTHLY: Final = {"id": "monthly", "name": {"zh": "月卡", "en": "monthly pass"}, "kind": "pass", "exempt": True}
_VOUCHER: Final = {
    "id": "voucher-5",
    "name": {"zh": "五元停车券", "en": "five-yuan voucher"},
    "kind": "coupon",
    "amount_off": 500,
}
_SHOP: Final = {
    "id": "shop",
    "name": {"zh": "商户减免两小时", "en": "two hours from a shop"},
    "kind": "validation",
    "free_min": 120,
    "free_from": "worth",
}

CITY_TARIFFS: Final = tuple(_PLANS)
"""Their names."""


def city_tariff(name: str, summary: Mapping[str, str]) -> dict[str, Any]:
    """The document of the tariff of this name, which is told as `summary`. Raises KeyError."""
    shops = [_SHOP] if name.startswith("mall-") else []
    return {
        "name": dict(summary),
        "plans": [{"id": "all", **_PLANS[name]}],
        "concessions": [_DISABLED, _STAFF, _MONTHLY, *shops, _VOUCHER],
    }
