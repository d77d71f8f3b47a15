"""An order moves something once, in time, and is answered in the same words however often it comes."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.wire import OrderKindWord, OrderMessage
from simulators.equipment import TOO_LATE, Equipment

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LATER = NOW + timedelta(seconds=11)


def order(kind: OrderKindWord, *, order_id: str = "ord_1", **place: str) -> OrderMessage:
    return OrderMessage(order_id, kind, NOW + timedelta(seconds=10), "pay_later", **place)


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (order("open_barrier", lane="X1"), {"opened": {"X1": 1}}),
        (order("refuse_entry", lane="E1"), {"refused": {"E1": 1}}),
        (order("raise_lock", space="B1-1"), {"raised": {"B1-1": True}}),
        (order("lower_lock", space="B1-1"), {"raised": {"B1-1": False}}),
        (order("show_text", lane="E1", text="满"), {"texts": {"E1": "满"}}),
        (order("resend_snapshot"), {"snapshots": 1}),
    ],
)
def test_what_an_order_moves(given: OrderMessage, seen: dict[str, object]) -> None:
    equipment = Equipment()
    answer = equipment.obey(given, NOW)
    assert answer.ok
    assert {name: getattr(equipment, name) for name in seen} == seen


def test_the_same_order_moves_nothing_twice() -> None:
    equipment = Equipment()
    first = equipment.obey(order("open_barrier", lane="X1"), NOW)
    again = equipment.obey(order("open_barrier", lane="X1"), NOW + timedelta(seconds=5))
    assert (again, equipment.opened["X1"]) == (first, 1)
    equipment.obey(order("open_barrier", lane="X1", order_id="ord_2"), NOW)
    assert equipment.opened["X1"] == 2


def test_nothing_moves_after_the_deadline() -> None:
    equipment = Equipment()
    answer = equipment.obey(order("open_barrier", lane="X1"), LATER)
    assert (answer.ok, answer.error, equipment.opened["X1"]) == (False, TOO_LATE, 0)


def test_an_order_that_was_obeyed_is_refused_once_it_is_too_late() -> None:
    equipment = Equipment()
    equipment.obey(order("open_barrier", lane="X1"), NOW)
    assert equipment.obey(order("open_barrier", lane="X1"), LATER).error == TOO_LATE
    assert equipment.opened["X1"] == 1


def test_what_jams_says_so_and_stays_so_for_this_order() -> None:
    equipment = Equipment()
    assert equipment.obey(order("open_barrier", lane="X1"), NOW, jams=True).error == "jammed"
    assert not equipment.obey(order("open_barrier", lane="X1"), NOW).ok
