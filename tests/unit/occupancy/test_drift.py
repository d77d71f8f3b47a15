"""What a counter's nights show: drift, or only life."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from occupancy.drift import Drift, Night, judge, total_step
from tests.integration.occupancy.city import at


def nights(
    counted: Sequence[int],
    *,
    sensed: Sequence[int | None] | None = None,
    totals: Sequence[tuple[int, int]] | None = None,
    capacity: int = 200,
) -> list[Night]:
    return [
        Night(
            date(2026, 11, 1) + timedelta(days=place),
            at(86_400 * place),
            number,
            capacity,
            None if sensed is None else sensed[place],
            None if totals is None else totals[place][0],
            None if totals is None else totals[place][1],
        )
        for place, number in enumerate(counted)
    ]


def told(drift: Drift | None) -> tuple[int, str] | None:
    return None if drift is None else (drift.correction, drift.basis)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (nights([46, 47, 49], sensed=[40, 40, 41]), (-7, "sensors")),
        (nights([31, 32, 30], sensed=[40, 41, 40]), (9, "sensors")),
        (nights([46, 47], sensed=[40, 40]), None),
        (nights([43, 38, 44], sensed=[40, 40, 40]), None),
        (nights([41, 42, 41], sensed=[40, 40, 40]), None),
        (nights([20, 23, 25, 28, 30, 33]), (-10, "night_minimum")),
        (nights([33, 30, 28, 25, 23, 20]), (10, "night_minimum")),
        (nights([20, 23, 25, 28, 30]), None),
        (nights([20, 33, 21, 34, 20, 31]), None),
        (nights([20, 21, 19, 20, 22, 21]), None),
        (nights([3, 1, -4]), (4, "below_zero")),
        (nights([3, 1, -3]), None),
        (nights([]), None),
    ],
)
def test_what_nights_show(seen: list[Night], expected: tuple[int, str] | None) -> None:
    assert told(judge(seen)) == expected


def test_totals_that_do_not_add_up_by_as_much_prove_it_sooner() -> None:
    seen = nights([20, 24, 28, 32], totals=[(100, 80), (204, 180), (308, 280), (412, 380)])
    drift = judge(seen)
    assert told(drift) == (-12, "night_minimum")
    assert drift is not None
    assert drift.in_minus_out == 12
    assert judge(nights([20, 24, 28, 32], totals=[(0, 0), (100, 100), (200, 200), (300, 300)])) is None


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [(10, 17, 7), (65_530, 4, 10), (2**32 - 1, 0, 1), (900, 3, 3), (60_000, 12, 12), (5, 5, 0)],
)
def test_running_totals_wrap_or_begin_anew(before: int, after: int, step: int) -> None:
    assert total_step(before, after) == step
