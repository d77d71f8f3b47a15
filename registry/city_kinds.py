"""Kinds of car parks as the city generator lays them out: how many, how large, how high, when, for how much."""

from typing import Final, NamedTuple


class Price(NamedTuple):
    """What a car park charges: the name under which billing knows the tariff, and what the board at the gate says."""

    id: str
    zh: str
    en: str


class Kind(NamedTuple):
    """What car parks of one kind have in common.

    `share` of all car parks; `spaces` = smallest, usual, largest; `storeys` says where they lie: `under`, `ground`,
    `tower` (above ground) or `kerb`; `suffix` completes the name.
    """

    name: str
    share: float
    spaces: tuple[int, int, int]
    storeys: str
    zh: str
    en: str
    hours: tuple[str, ...]
    tariffs: tuple[Price, ...]
    features: tuple[tuple[str, float], ...]


_BY_HOUR = (
    Price(
        "first-hour-5",
        "首小时5元，之后每小时3元，24小时封顶40元",
        "5 yuan for the first hour, then 3 yuan an hour, at most 40 yuan in 24 h",
    ),
    Price(
        "half-hour-free-4",
        "前30分钟免费，之后每小时4元，24小时封顶50元",
        "30 minutes free, then 4 yuan an hour, at most 50 yuan in 24 h",
    ),
    Price(
        "quarter-free-5",
        "前15分钟免费，之后每小时5元，24小时封顶60元",
        "15 minutes free, then 5 yuan an hour, at most 60 yuan in 24 h",
    ),
)
_MALL = (
    Price(
        "mall-first-hour-5",
        "首小时5元，之后每30分钟2元，24小时封顶40元，消费可减2小时",
        "5 yuan for the first hour, then 2 yuan a half hour, at most 40 yuan in 24 h; shops validate two hours",
    ),
    Price(
        "mall-half-hour-free-4",
        "前30分钟免费，之后每小时4元，24小时封顶50元，消费可减2小时",
        "30 minutes free, then 4 yuan an hour, at most 50 yuan in 24 h; shops validate two hours",
    ),
    Price(
        "mall-weekend-6",
        "工作日每小时4元，周末及节假日每小时6元，每日封顶48元，消费可减2小时",
        "4 yuan an hour on workdays, 6 on weekends and holidays, at most 48 yuan a day; shops validate two hours",
    ),
)
_HOSPITAL = (
    Price(
        "hospital-half-hour-free-3",
        "前30分钟免费，之后每小时3元，24小时封顶20元",
        "30 minutes free, then 3 yuan an hour, at most 20 yuan in 24 h",
    ),
    Price(
        "hospital-hour-free-2",
        "前60分钟免费，之后每小时2元，24小时封顶20元",
        "60 minutes free, then 2 yuan an hour, at most 20 yuan in 24 h",
    ),
    Price(
        "hospital-day-4",
        "白天（7:00至21:00）每小时4元，夜间每次5元，24小时封顶30元",
        "4 yuan an hour from 07:00 to 21:00, 5 yuan a night, at most 30 yuan in 24 h",
    ),
)
_CHEAP = (
    Price(
        "hour-free-2",
        "前60分钟免费，之后每小时2元，24小时封顶15元",
        "60 minutes free, then 2 yuan an hour, at most 15 yuan in 24 h",
    ),
    Price("visit-3", "每次3元", "3 yuan a visit"),
)
_HOMES = (
    Price(
        "homes-hour-free-2",
        "前60分钟免费，之后每小时2元，24小时封顶15元，住户月卡",
        "60 minutes free, then 2 yuan an hour, at most 15 yuan in 24 h; monthly passes for residents",
    ),
    Price(
        "homes-day-2-night-5",
        "白天（7:00至19:00）每小时2元，夜间每次5元，住户月卡",
        "2 yuan an hour from 07:00 to 19:00, 5 yuan a night; monthly passes for residents",
    ),
)
_KERB = (
    Price("kerb-6", "白天每小时6元，21:00至7:00免费", "6 yuan an hour by day, free from 21:00 to 07:00"),
    Price("kerb-4", "白天每小时4元，20:00至8:00免费", "4 yuan an hour by day, free from 20:00 to 08:00"),
)
_HUB = (
    Price(
        "hub-5",
        "前15分钟免费，之后每小时5元，24小时封顶60元，之后每日40元",
        "15 minutes free, then 5 yuan an hour, at most 60 yuan the first day and 40 yuan every other",
    ),
)
_ALWAYS = ("24/7",)
# Most garages of a city never close; what does is what somebody locks: civic centres, schools, markets, some malls.
_OFFICE = ("24/7",)
_SHOPPING = ("24/7", "24/7", "24/7", "Mo-Su 06:00-24:00")
_CIVIC = ("24/7", "Mo-Fr 07:30-18:30")
_GREEN = ("24/7", "Mo-Su 05:00-22:00")
_SCHOOL = ("24/7", "Mo-Fr 06:30-22:00; Sa-Su 07:00-21:00")
_MARKET_HOURS = ("24/7", "Mo-Su 05:00-20:00")
_SPORT = ("24/7", "Mo-Su 06:00-23:30")
_INDOORS = (("covered", 1.0), ("lighted", 1.0), ("cctv", 0.95), ("accessible", 0.85), ("ev", 0.6))
_OUTDOORS = (("lighted", 0.8), ("cctv", 0.6), ("accessible", 0.5), ("ev", 0.2))

_CLINIC = (*_INDOORS, ("restroom", 0.5))
_STATION = (*_INDOORS, ("restroom", 0.8))
_KERBSIDE = (("lighted", 0.9), ("accessible", 0.2))

KINDS: Final = (
    Kind("residential", 0.235, (120, 340, 900), "under", "小区停车场", "Residences", _ALWAYS, _HOMES, _INDOORS),
    Kind("office", 0.18, (100, 320, 800), "under", "大厦停车场", "Tower", _OFFICE, _BY_HOUR, _INDOORS),
    Kind("mall", 0.15, (300, 720, 1500), "under", "购物中心停车场", "Mall", _SHOPPING, _MALL,
         (*_INDOORS, ("car_wash", 0.3), ("restroom", 0.9))),
    Kind("street", 0.14, (30, 52, 80), "kerb", "路内停车", "Kerbside", _ALWAYS, _KERB, _KERBSIDE),
    Kind("hospital", 0.06, (200, 560, 1200), "tower", "医院停车楼", "Hospital", _ALWAYS, _HOSPITAL, _CLINIC),
    Kind("hotel", 0.06, (60, 140, 260), "ground", "酒店停车场", "Hotel", _ALWAYS, _BY_HOUR, _OUTDOORS),
    Kind("market", 0.05, (100, 220, 450), "ground", "市场停车场", "Market", _MARKET_HOURS, _CHEAP, _OUTDOORS),
    Kind("government", 0.04, (60, 150, 300), "ground", "政务服务停车场", "Civic Centre", _CIVIC, _CHEAP, _OUTDOORS),
    Kind("park", 0.035, (80, 200, 400), "ground", "公园停车场", "Park", _GREEN, _CHEAP, _OUTDOORS),
    Kind("school", 0.03, (80, 180, 400), "ground", "学校停车场", "School", _SCHOOL, _CHEAP, _OUTDOORS),
    Kind("station", 0.012, (400, 800, 2000), "tower", "换乘停车楼", "Park and Ride", _ALWAYS, _HUB, _STATION),
    Kind("stadium", 0.008, (500, 1200, 2500), "ground", "体育场停车场", "Stadium", _SPORT, _BY_HOUR, _OUTDOORS),
)  # fmt: skip

AIRPORT: Final = Kind(
    "airport", 0.0, (2500, 4000, 4500), "tower", "停车楼", "Parking", _ALWAYS, _HUB,
    (*_INDOORS, ("restroom", 1.0), ("luggage_trolleys", 1.0)),
)  # fmt: skip
"""Never drawn by chance: the district with the airport gets exactly one, for every city of 13 car parks or more."""

MEASURED: Final = (("spaces", 0.72), ("counts", 0.14), ("passages", 0.08), ("mixed", 0.06))
"""How car parks are measured, by share of their number; kerbside ones, without lanes, never by passages."""
