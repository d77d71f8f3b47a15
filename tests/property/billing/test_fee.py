"""What must be true of every fee, whatever the tariff says."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from billing.tariffs.calendar import NO_HOLIDAYS, public_calendar
from billing.tariffs.fee import Fee
from billing.tariffs.rate import rate
from billing.tariffs.tariff import TariffVersion, read_tariff
from tests.examples import examples
from tests.property.billing.tariffs import entries, lengths, plans, rich_plans, rich_versions

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
NAME = {"zh": "随机", "en": "random"}
SHANGHAI = ZoneInfo("Asia/Shanghai")


@st.composite
def priced(
    draw: st.DrawFn, documents: st.SearchStrategy[dict[str, Any]] | None = None
) -> tuple[TariffVersion, datetime, datetime]:
    entry = draw(entries) + draw(st.integers(0, 59)) * SECOND
    document = {"plans": [draw(rich_plans())], "name": NAME} if documents is None else draw(documents)
    document["time_zone"] = draw(st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe"]))
    document["count"] = draw(st.sampled_from(["minutes", "seconds"]))
    return read_tariff(document), entry, entry + draw(lengths) * MINUTE + draw(st.integers(0, 59)) * SECOND


@examples(70)
@given(priced())
def test_a_fee_is_not_negative_and_the_sum_of_its_lines(stay: tuple[TariffVersion, datetime, datetime]) -> None:
    version, entry, left = stay
    fee = rate(version, entry, left)
    assert fee.total >= 0
    assert fee.total == sum(line.amount for line in fee.lines)
    assert fee == rate(version, entry, left)
    again = read_tariff(version.model_dump_json())
    assert fee == rate(again, entry, left)


@examples(60)
@given(priced(), st.integers(0, 3000))
def test_a_fee_does_not_fall_when_the_car_stays_longer(
    stay: tuple[TariffVersion, datetime, datetime], more: int
) -> None:
    version, entry, left = stay
    assert rate(version, entry, left + more * MINUTE).total >= rate(version, entry, left).total


@examples(70)
@given(priced(), st.floats(0, 1, exclude_max=True))
def test_a_fee_stays_until_the_moment_that_is_told_and_is_higher_then(
    stay: tuple[TariffVersion, datetime, datetime], between: float
) -> None:
    version, entry, left = stay
    fee = rate(version, entry, left)
    assert fee.rises_at == fee.changes_at
    if fee.rises_at is None:
        assert rate(version, entry, left + timedelta(days=40)).total == fee.total
        return
    assert fee.rises_at > left
    assume(fee.rises_at - entry < timedelta(days=300))
    assert rate(version, entry, fee.rises_at).total > fee.total
    assert rate(version, entry, fee.rises_at - SECOND).total == fee.total
    seconds = int((fee.rises_at - left).total_seconds() * between)
    assert rate(version, entry, left + seconds * SECOND).total == fee.total


@examples(60)
@given(priced(rich_versions()), st.floats(0, 1, exclude_max=True))
def test_several_plans_with_conditions_tell_the_next_change(
    stay: tuple[TariffVersion, datetime, datetime], between: float
) -> None:
    version, entry, left = stay
    fee = rate(version, entry, left)
    assert fee.total == sum(line.amount for line in fee.lines) >= 0
    if fee.changes_at is not None and fee.changes_at - entry < timedelta(days=300):
        assert left < fee.changes_at
        assert rate(version, entry, fee.changes_at).total != fee.total
        seconds = int((fee.changes_at - left).total_seconds() * between)
        assert rate(version, entry, left + seconds * SECOND).total == fee.total
    if fee.rises_at is not None and fee.rises_at - entry < timedelta(days=300):
        assert rate(version, entry, fee.rises_at).total > fee.total
        seconds = int((fee.rises_at - left).total_seconds() * between)
        assert rate(version, entry, left + seconds * SECOND).total <= fee.total


@examples(60)
@given(plans(), entries, lengths, st.integers(1, 60), st.sampled_from(["day", "hours", "stay"]))
def test_a_fee_is_under_its_cap(plan: dict[str, Any], entry: datetime, minutes: int, most: int, per: str) -> None:
    plan["caps"] = [*plan["caps"], {"per": per, "amounts": [most * 100], **({"hours": 24} if per == "hours" else {})}]
    version = read_tariff({"name": {"zh": "封顶", "en": "capped"}, "plans": [plan]})
    left = entry + minutes * MINUTE
    days = (left.astimezone(SHANGHAI).date() - entry.astimezone(SHANGHAI).date()).days + 1
    periods = {"stay": 1, "day": days, "hours": -(-minutes // 1440)}[per]
    assert rate(version, entry, left).total <= periods * most * 100


@examples(50)
@given(plans(), entries, lengths, st.integers(1, 50))
def test_like_days_are_priced_alike(plan: dict[str, Any], entry: datetime, minutes: int, weeks: int) -> None:
    """Whole weeks later, where no holiday is between, everything is whole weeks later."""
    version = read_tariff({"name": {"zh": "平移", "en": "shifted"}, "plans": [plan]})
    shift = timedelta(weeks=weeks)

    def of(begins: datetime) -> Fee:
        return rate(version, begins, begins + minutes * MINUTE, calendar=NO_HOLIDAYS)

    now, later = of(entry), of(entry + shift)
    assert now.total == later.total
    assert [line.amount for line in now.lines] == [line.amount for line in later.lines]
    assert (now.rises_at is None) == (later.rises_at is None)
    if now.rises_at is not None and later.rises_at is not None:
        assert now.rises_at + shift == later.rises_at


@examples(40)
@given(
    plans(),
    entries,
    lengths,
    st.fixed_dictionaries(
        {
            "percent_off": st.integers(0, 100),
            "amount_off": st.integers(0, 3000),
            "free_min": st.sampled_from([30, 60, 120]),
            "free_from": st.sampled_from(["start", "end", "worth"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "tax_ppm": st.sampled_from([0, 60_000, 183_750]),
            "round_to": st.sampled_from([1, 10, 100]),
            "round_how": st.sampled_from(["down", "up", "nearest"]),
            "least": st.sampled_from([0, 200]),
        }
    ),
)
def test_concessions_tax_and_rounding_keep_the_promises(
    plan: dict[str, Any], entry: datetime, minutes: int, off: dict[str, Any], total: dict[str, Any]
) -> None:
    name = {"zh": "优惠", "en": "off"}
    concession = {"id": "off", "name": name, "kind": "discount", **off}
    version = read_tariff({"name": name, "plans": [plan], "concessions": [concession], "total": total})
    fee = rate(version, entry, entry + minutes * MINUTE)
    assert fee.total == sum(line.amount for line in fee.lines) >= 0
    if fee.rises_at is not None and fee.rises_at < entry + timedelta(days=300):
        assert rate(version, entry, fee.rises_at).total > fee.total
        assert rate(version, entry, fee.rises_at - SECOND).total == fee.total


def test_the_calendar_that_ships_knows_this_year() -> None:
    """The properties above run over holidays of 2025 and 2026: without them they would test less than they say."""
    calendar = public_calendar()
    assert calendar.names(datetime(2026, 10, 6, tzinfo=UTC).date()) == {"national_day"}
