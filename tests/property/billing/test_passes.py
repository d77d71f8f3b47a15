"""What must be true of every fee where passes cover some of the stay, whatever they and the tariff say."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from billing.tariffs.concession import Held
from billing.tariffs.rate import rate
from billing.tariffs.tariff import TariffVersion, read_tariff
from tests.examples import examples
from tests.property.billing.tariffs import entries, lengths, rich_plans

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
NAME = {"zh": "月卡", "en": "pass"}
HOURS: tuple[list[dict[str, Any]], ...] = (
    [],
    [],
    [{"between": {"from_time": "18:00", "until_time": "08:00"}}],
    [{"days": ["workday"], "between": {"from_time": "07:30", "until_time": "19:00"}}],
    [{"between": {"from_time": "00:00", "until_time": "24:00"}}],
)
offsets = st.one_of(st.none(), st.integers(-3000, 3000))


@st.composite
def shown(draw: st.DrawFn) -> tuple[TariffVersion, datetime, datetime, list[Held]]:
    """A tariff with two kinds of passes, a stay, and what is shown for it: valid from and until some time near it."""
    passes = [
        {"id": f"pass{number}", "name": NAME, "kind": "pass", "exempt": True, "covers": draw(st.sampled_from(HOURS))}
        for number in range(2)
    ]
    version = read_tariff({"name": NAME, "plans": [draw(rich_plans())], "concessions": passes})
    entry = draw(entries)
    held = []
    for _ in range(draw(st.integers(1, 3))):
        begins, ends = draw(offsets), draw(offsets)
        assume(begins is None or ends is None or begins < ends)
        held.append(
            Held(
                concession=draw(st.sampled_from(["pass0", "pass1"])),
                valid_from=None if begins is None else entry + begins * MINUTE,
                valid_until=None if ends is None else entry + ends * MINUTE,
            )
        )
    return version, entry, entry + draw(lengths) * MINUTE, held


@examples(70)
@given(shown(), st.integers(0, 3000), st.floats(0, 1, exclude_max=True))
def test_the_promises_of_a_fee_hold_with_passes(
    stay: tuple[TariffVersion, datetime, datetime, list[Held]], more: int, between: float
) -> None:
    version, entry, left, held = stay

    def total(at: datetime) -> int:
        return rate(version, entry, at, held=held).total

    fee = rate(version, entry, left, held=held)
    assert fee.total == sum(line.amount for line in fee.lines) >= 0
    assert total(left + more * MINUTE) >= fee.total
    if fee.rises_at is not None and fee.rises_at < entry + timedelta(days=300):
        assert left < fee.rises_at
        assert total(fee.rises_at) > fee.total
        assert total(left + int((fee.rises_at - left).total_seconds() * between) * SECOND) == fee.total


@examples(70)
@given(shown())
def test_who_is_covered_for_the_whole_stay_pays_nothing(
    stay: tuple[TariffVersion, datetime, datetime, list[Held]],
) -> None:
    version, entry, left, held = stay
    always = {one.id: not one.covers for one in version.concessions}
    covering: list[Any] = [one for one in held if always[one.concession]]
    until = entry
    for one in sorted(covering, key=lambda held: held.valid_from or entry):
        if one.valid_from is None or one.valid_from <= until:
            until = max(until, left + MINUTE if one.valid_until is None else one.valid_until)
    assume(until > left)
    fee = rate(version, entry, left, held=held)
    assert fee.total == 0
