"""Who of a permit's vehicles finds a space, and which of what was shown a stay needs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from billing.held import HeldFrom, has_space, needed
from billing.tariffs.concession import Held
from billing.tariffs.fee import NoPlanFits

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def test_who_comes_first_has_the_space_until_he_leaves() -> None:
    assert has_space(1, [], "b", at(1))
    assert not has_space(1, [("a", at(0), None)], "b", at(1))
    assert not has_space(1, [("a", at(0), at(2))], "b", at(1))
    assert has_space(1, [("a", at(0), at(1))], "b", at(1))
    assert has_space(2, [("a", at(0), None)], "b", at(1))
    assert not has_space(2, [("a", at(0), None), ("c", at(0.5), None)], "b", at(1))


def test_who_found_none_keeps_nobody_out_later() -> None:
    others = [("a", at(0), at(3)), ("b", at(1), at(9))]
    assert has_space(1, others, "c", at(4))


def test_a_vehicle_that_comes_back_hinders_not_itself() -> None:
    assert has_space(1, [("a", at(0), None)], "a", at(5))


def coupon(number: int, amount: int) -> HeldFrom:
    return HeldFrom(concession="coupon", amount=amount, source=f"cpn_{number}")


def test_only_what_lowers_the_fee_is_used() -> None:
    three = [coupon(1, 500), coupon(2, 500), coupon(3, 500)]

    def costs(full: int) -> list[str]:
        def priced(some: Sequence[Held]) -> int:
            return max(0, full - sum(one.amount or 0 for one in some))

        return [one.source for one in needed(three, priced)]

    assert costs(0) == []
    assert costs(300) == ["cpn_1"]
    assert costs(700) == ["cpn_1", "cpn_2"]
    assert costs(5000) == ["cpn_1", "cpn_2", "cpn_3"]
    assert needed([], lambda _: 0) == []


def test_a_permit_without_which_there_is_no_price_is_needed() -> None:
    permit = HeldFrom(concession="staff", source="per_1")

    def priced(some: Sequence[Held]) -> int:
        if not some:
            raise NoPlanFits
        return 500

    assert needed([permit], priced) == [permit]
