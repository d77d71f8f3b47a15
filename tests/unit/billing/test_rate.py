"""What `rate` tells besides the total: reasons, the next rise, changes on the way, and what it refuses to price."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.tariffs.concession import Held
from billing.tariffs.explain import why
from billing.tariffs.fee import Fee, NoPlanFits, StayImpossible, Vehicle, Visit
from billing.tariffs.rate import rate
from billing.tariffs.tariff import TariffRefused, read_tariff
from tests.unit.billing.cases import documents, version_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAME = {"zh": "价", "en": "price"}
HOUR = {"kind": "units", "steps": [{"amount": 300, "unit_min": 60}]}


def at(clock: str, day: int = 10) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day:02}T{clock}").replace(tzinfo=SHANGHAI)


def fee(plan: dict[str, Any], entry: datetime, left: datetime, *, earlier: tuple[Visit, ...] = ()) -> Fee:
    version: dict[str, Any] = {name: plan.pop(name) for name in ("concessions", "count", "total") if name in plan}
    return rate(read_tariff({"name": NAME, "plans": [{"id": "plan", **plan}], **version}), entry, left, earlier=earlier)


def test_every_line_says_why_in_both_languages() -> None:
    version = version_of(documents()["cn-shenyang-olympic-ground"], None)
    priced = rate(version, at("08:00"), at("21:00"))
    said = [(why(line).zh, why(line).en, line.amount) for line in priced.lines]
    assert said == [
        ("白天：第1至22个30分钟，每30分钟1.50", "day: 30 min units 1 to 22 at 1.50 per 30 min", 3300),
        ("夜间：按次5.00", "night: flat 5.00", 500),
        ("每日封顶15.00", "at most 15.00 a day", -1800),
    ]
    assert priced.total == 2000


def test_the_second_hour() -> None:
    steps = [{"amount": 500, "unit_min": 60, "until_min": 60}, {"amount": 300, "unit_min": 60}]
    priced = fee({"charge": {"kind": "units", "steps": steps}}, at("14:20"), at("16:00"))
    assert [(why(line).zh, why(line).en) for line in priced.lines] == [
        ("第1小时，每小时5.00", "first hour at 5.00 per hour"),
        ("第2小时，每小时3.00", "hour 2 at 3.00 per hour"),
    ]
    assert [(line.begins, line.ends) for line in priced.lines] == [
        (at("14:20"), at("15:20")),
        (at("15:20"), at("16:20")),
    ]


def test_seconds_count_or_do_not() -> None:
    left = at("10:00") + timedelta(seconds=59)
    minutes = fee({"charge": HOUR}, at("09:00"), left)
    seconds = fee({"charge": HOUR, "count": "seconds"}, at("09:00"), left)
    assert (minutes.total, minutes.rises_at) == (300, at("10:01"))
    assert (seconds.total, seconds.rises_at) == (600, at("11:00") + timedelta(seconds=1))


def test_nobody_pays_for_no_time() -> None:
    for plan in ({"charge": HOUR}, {"charge": {"kind": "flat", "amount": 500}, "least_min": 60}):
        priced = fee(dict(plan), at("09:00"), at("09:00"))
        assert priced.total == 0
        assert priced.rises_at == at("09:01")


def test_a_fee_that_will_never_rise_says_so() -> None:
    assert fee({"charge": HOUR, "caps": [{"per": "stay", "amounts": [600]}]}, at("09:00"), at("12:00")).rises_at is None
    assert fee({"charge": {"kind": "flat", "amount": 500}}, at("09:00"), at("12:00")).rises_at is None
    assert fee({"charge": {"kind": "free"}}, at("09:00"), at("12:00")).rises_at is None


def test_a_rise_may_be_months_away() -> None:
    window = {"id": "golden-week", "days": ["holiday:national_day"], "from_time": "00:00", "until_time": "24:00"}
    priced = fee({"windows": [{**window, "charge": HOUR}], "boundary": "split"}, at("09:00"), at("12:00"))
    assert priced.total == 0
    assert priced.rises_at == datetime(2026, 10, 1, 0, 1, tzinfo=SHANGHAI)


def test_a_coupon_delays_the_rise() -> None:
    coupon = {"id": "off", "name": NAME, "kind": "discount", "amount_off": 1000}
    priced = fee({"charge": HOUR, "concessions": [coupon]}, at("09:00"), at("10:00"))
    assert priced.total == 0
    assert priced.rises_at == at("12:01")  # the fourth hour makes 12.00


def test_a_coupon_that_runs_out_is_a_change() -> None:
    coupon = {"id": "off", "name": NAME, "kind": "coupon", "amount_off": 300}
    version = read_tariff({"name": NAME, "plans": [{"id": "plan", "charge": HOUR}], "concessions": [coupon]})
    held = [Held(concession="off", valid_until=at("09:30"))]
    priced = rate(version, at("09:00"), at("09:10"), held=held)
    assert (priced.total, priced.rises_at) == (0, at("09:30"))


def test_percent_of_units_leaves_the_cap_and_the_price_as_they_are() -> None:
    half = {"id": "half", "name": NAME, "kind": "discount", "percent_off": 50, "percent_of": "units"}
    plan = {"charge": HOUR, "caps": [{"per": "day", "amounts": [1000]}], "concessions": [half]}
    assert fee(dict(plan), at("09:00"), at("12:00")).total == 450
    priced = fee(dict(plan), at("09:00"), at("18:00"))
    assert priced.total == 1000
    assert why(priced.lines[0]).en == "hours 1 to 9 at 3.00 per hour"
    assert sum(line.amount for line in priced.lines) == 1000


def test_a_lost_ticket_costs_at_least() -> None:
    version = read_tariff(
        {"name": NAME, "plans": [{"id": "plan", "charge": HOUR}], "lost_ticket": {"amount": 1000, "how": "at_least"}}
    )
    priced = rate(version, at("09:00"), at("10:00"), ticket_lost=True)
    assert (priced.total, priced.rises_at) == (1000, at("12:01"))
    assert rate(version, at("09:00"), at("14:00"), ticket_lost=True).total == 1500


def test_a_permit_that_has_run_out_chooses_no_plan() -> None:
    version = read_tariff(
        {
            "name": NAME,
            "plans": [
                {"id": "staff", "when": {"permits": ["staff"]}, "charge": {"kind": "free"}},
                {"id": "all", "charge": HOUR},
            ],
            "concessions": [{"id": "staff", "name": NAME, "kind": "permit"}],
        }
    )
    assert rate(version, at("09:00"), at("10:00"), held=[Held(concession="staff")]).plan == "staff"
    gone = [Held(concession="staff", valid_until=at("08:00"))]
    assert rate(version, at("09:00"), at("10:00"), held=gone).plan == "all"


def test_visits_of_the_same_day() -> None:
    free = {"minutes": 30, "charge_from": "end_of_free"}
    morning = (Visit(at("08:00"), at("08:20"), 0),)

    def total(repeat: str, begins: datetime) -> int:
        plan = {"charge": HOUR, "free": {**free, "repeat": repeat}}
        return fee(plan, begins, begins + timedelta(minutes=25), earlier=morning).total

    noon = {repeat: total(repeat, at("12:00")) for repeat in ("entry", "24h", "day", "quota")}
    assert noon == {"entry": 0, "24h": 300, "day": 300, "quota": 300}
    next_day = {repeat: total(repeat, at("07:00", 11)) for repeat in ("24h", "day", "quota")}
    assert next_day == {"24h": 300, "day": 0, "quota": 0}


def test_a_rolling_cap_over_visits_begins_with_the_first() -> None:
    cap = {"per": "hours", "hours": 24, "amounts": [1000], "across_visits": True}
    earlier = (Visit(at("08:00"), at("11:00"), 900),)
    assert fee({"charge": HOUR, "caps": [cap]}, at("20:00"), at("23:00"), earlier=earlier).total == 100
    over = fee({"charge": HOUR, "caps": [cap]}, at("07:00", 11), at("10:00", 11), earlier=earlier)
    assert over.total == 100 + 600  # until 08:00 the first day's rest, two hours of the next


@pytest.mark.parametrize(
    ("zone", "entry", "hours", "night"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 21, tzinfo=UTC), 10, 8),  # 22:00 to 09:00: the night has 9 - 1 hours
        ("Europe/Berlin", datetime(2026, 10, 24, 20, tzinfo=UTC), 10, 10),  # the night has 9 + 1 hours, 0 after it
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 11, tzinfo=UTC), 10, 9),  # 9.5 hours begin 10 and end in a half
    ],
)
def test_windows_follow_the_clock_on_the_wall(zone: str, entry: datetime, hours: int, night: int) -> None:
    window = {"id": "night", "from_time": "22:00", "until_time": "07:00", "charge": HOUR}
    document = {
        "name": NAME,
        "time_zone": zone,
        "plans": [{"id": "plan", "windows": [window], "boundary": "split", "caps": []}],
    }
    priced = rate(read_tariff(document), entry, entry + timedelta(hours=hours))
    local = entry.astimezone(ZoneInfo(zone))
    assert local.hour == 22
    ends = (local + timedelta(days=1)).replace(hour=7)
    lasted = min(timedelta(hours=hours), ends.astimezone(UTC) - entry)
    assert sum(line.units for line in priced.lines) == -(-lasted // timedelta(hours=1)) >= night


def test_a_stay_without_a_plan_is_not_free() -> None:
    version = version_of(documents()["cn-airport-stepped-24h-caps"], None)
    with pytest.raises(NoPlanFits):
        rate(version, at("09:00"), at("10:00"), vehicle=Vehicle(class_="tank"))


def test_what_cannot_be_a_stay() -> None:
    version = read_tariff({"name": NAME, "plans": [{"id": "plan", "charge": HOUR}]})
    with pytest.raises(StayImpossible):
        rate(version, at("09:00"), at("08:59"))
    with pytest.raises(StayImpossible):
        rate(version, at("09:00"), at("09:00") + timedelta(days=800))
    with pytest.raises(StayImpossible, match="offset"):
        rate(version, datetime(2026, 3, 10, 9), at("10:00"))
    with pytest.raises(KeyError):
        rate(version, at("09:00"), at("10:00"), held=[Held(concession="unheard-of")])
    with pytest.raises(NoPlanFits, match="lost ticket"):
        rate(version, at("09:00"), at("10:00"), ticket_lost=True)


def test_a_changed_copy_is_priced_as_changed() -> None:
    version = read_tariff({"name": NAME, "plans": [{"id": "plan", "charge": HOUR}]})
    assert rate(version, at("09:00"), at("10:00")).total == 300
    dearer = read_tariff({"name": NAME, "plans": [{"id": "plan", "charge": {"kind": "flat", "amount": 900}}]})
    copy = version.model_copy(update={"plans": dearer.plans})
    assert rate(copy, at("09:00"), at("10:00")).total == 900
    assert rate(version, at("09:00"), at("10:00")).total == 300


def test_versions_hold_for_entries_between_their_dates() -> None:
    document = {
        "name": NAME,
        "plans": [{"id": "plan", "charge": HOUR}],
        "valid_from": "2026-01-01T00:00:00+08:00",
        "valid_until": "2027-01-01T00:00:00+08:00",
    }
    version = read_tariff(document)
    assert version.is_valid(datetime(2026, 1, 1, tzinfo=SHANGHAI))
    assert not version.is_valid(datetime(2027, 1, 1, tzinfo=SHANGHAI))


def test_passes_are_not_used_up_and_coupons_only_by_those_that_hold() -> None:
    version = read_tariff(
        {
            "name": NAME,
            "plans": [{"id": "plan", "charge": HOUR}],
            "concessions": [
                {"id": "month", "name": NAME, "kind": "pass", "exempt": True},
                {"id": "coupon", "name": NAME, "kind": "coupon", "amount_off": 500},
            ],
        }
    )

    def held(what: str, since: int, until: int) -> Held:
        return Held(concession=what, valid_from=at("00:00", since), valid_until=at("00:00", until))

    passes = [held("month", 1, 10), held("month", 10, 20)]
    for shown in (passes, passes[::-1]):
        assert rate(version, at("20:00", 12), at("23:00", 12), held=shown).total == 0
        assert rate(version, at("20:00", 9), at("10:00", 10), held=shown).total == 0
    coupons = [held("coupon", 1, 5), held("coupon", 10, 20)]
    for shown in (coupons, coupons[::-1]):
        assert rate(version, at("20:00", 12), at("23:00", 12), held=shown).total == 400
    assert rate(version, at("20:00", 12), at("23:00", 12), held=[*coupons[1:], coupons[1]]).total == 400
    mad = Held(concession="coupon", amount=-500)
    assert rate(version, at("20:00", 12), at("23:00", 12), held=[mad]).total == 900


def test_what_minutes_are_worth_does_not_depend_on_which_plan_is_cheapest() -> None:
    version = read_tariff(
        {
            "name": NAME,
            "choose": "cheapest",
            "plans": [
                {"id": "hours", "charge": HOUR},
                {"id": "flat", "charge": {"kind": "flat", "amount": 1000}},
            ],
            "concessions": [{"id": "shop", "name": NAME, "kind": "coupon", "free_min": 60, "free_from": "worth"}],
        }
    )
    fees = [
        rate(version, at("09:00"), at("09:00") + timedelta(minutes=stay), held=[Held(concession="shop")]).total
        for stay in (60, 120, 180, 181, 600)
    ]
    assert fees == [0, 300, 600, 700, 700]


def test_an_exit_until_midnight_turns_at_midnight() -> None:
    version = read_tariff(
        {
            "name": NAME,
            "choose": "cheapest",
            "plans": [
                {
                    "id": "evening",
                    "when": {"exit_between": [{"from_time": "17:00", "until_time": "24:00"}]},
                    "charge": {"kind": "flat", "amount": 500},
                },
                {"id": "hours", "charge": HOUR},
            ],
        }
    )
    priced = rate(version, at("18:00"), at("23:00"))
    assert (priced.total, priced.rises_at) == (500, at("00:00", 11))
    assert rate(version, at("18:00"), at("00:00", 11)).total == 1800


def test_an_hour_is_told_as_a_length_where_it_is_one() -> None:
    version = read_tariff(
        {
            "name": NAME,
            "plans": [{"id": "plan", "charge": HOUR, "free": {"minutes": 60, "charge_from": "end_of_free"}}],
        }
    )
    said = [why(line) for line in rate(version, at("09:00"), at("11:00")).lines]
    assert ("免费时长1小时", "free time, 1 h") in [(one.zh, one.en) for one in said]


def test_settings_that_would_mean_nothing_are_refused() -> None:
    for plan in (
        {"day_starts": "24:00"},
        {"caps": [{"per": "stay", "amounts": [900], "across_visits": True}]},
    ):
        with pytest.raises(TariffRefused):
            read_tariff({"name": NAME, "plans": [{"id": "plan", "charge": HOUR, **plan}]})


@pytest.mark.parametrize(
    "plan",
    [
        {"charge": HOUR},
        {"windows": [{"id": "all", "from_time": "00:00", "until_time": "24:00", "charge": HOUR}], "boundary": "split"},
    ],
)
def test_a_pass_without_an_end_covers_all_that_follows(plan: dict[str, Any]) -> None:
    monthly = {"id": "monthly", "name": NAME, "kind": "pass", "exempt": True}
    version = read_tariff({"name": NAME, "plans": [{"id": "plan", **plan}], "concessions": [monthly]})
    before, two = (
        Held(concession="monthly", valid_from=at("08:00")),
        [
            Held(concession="monthly", valid_until=at("10:00")),
            Held(concession="monthly", valid_from=at("10:00")),
        ],
    )
    for held in ([before], two):
        priced = rate(version, at("09:00"), at("12:00"), held=held)
        assert (priced.total, priced.rises_at) == (0, None)
        assert [line.kind for line in priced.lines] == ["covered"]


def test_a_pass_covers_what_overstaying_costs_as_long_as_it_covers_the_stay() -> None:
    plan = {"id": "plan", "charge": HOUR, "max_stay": {"minutes": 120, "surcharge": 5000}}
    monthly = {"id": "monthly", "name": NAME, "kind": "pass", "exempt": True}
    version = read_tariff({"name": NAME, "plans": [plan], "concessions": [monthly]})
    held = [Held(concession="monthly", valid_from=at("08:00"), valid_until=at("13:00"))]
    priced = rate(version, at("09:00"), at("12:00"), held=held)
    assert (priced.total, priced.rises_at) == (0, at("13:01"))
    assert rate(version, at("09:00"), at("13:00"), held=held).total == 0
    assert rate(version, at("09:00"), at("13:01"), held=held).total == 5300
