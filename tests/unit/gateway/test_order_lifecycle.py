"""What may become of an order, and which place each kind is for."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.orders import OrderKind, OrderState
from gateway.order_lifecycle import (
    NO_ERROR_TOLD,
    Acknowledged,
    Order,
    acknowledged,
    dispatched,
    expired,
    is_consistent,
    published,
    refused,
    superseded,
)
from gateway.order_place import fault_of

GIVEN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DEADLINE = GIVEN + timedelta(seconds=10)
IN_TIME = GIVEN + timedelta(seconds=2)
TOO_LATE = DEADLINE + timedelta(seconds=1)
BARRIER = Order(kind=OrderKind.OPEN_BARRIER, expires_at=DEADLINE)
TEXT = Order(kind=OrderKind.SHOW_TEXT, expires_at=DEADLINE)


def answer(order: Order, at: datetime = IN_TIME, *, ok: bool = True, error: str | None = None) -> tuple[Order, str]:
    return acknowledged(order, ok=ok, error=error, at=at, received_at=at)


def test_the_usual_way() -> None:
    sent = published(BARRIER, GIVEN)
    assert (sent.state, sent.published_at) == (OrderState.PUBLISHED, GIVEN)
    done, did = answer(sent)
    assert (done.state, done.acknowledged_at, done.closed_at, did) == (OrderState.DONE, IN_TIME, IN_TIME, "stored")


def test_a_device_may_be_faster_than_the_brokers_word() -> None:
    done, _ = answer(BARRIER)
    assert published(done, IN_TIME).state is OrderState.DONE


def test_what_the_device_could_not_do_says_why() -> None:
    failed, did = answer(BARRIER, ok=False, error="arm blocked")
    assert (failed.state, failed.error, did) == (OrderState.FAILED, "arm blocked", Acknowledged.STORED)
    assert answer(BARRIER, ok=False)[0].error == NO_ERROR_TOLD


def test_the_first_word_counts() -> None:
    done, _ = answer(BARRIER)
    again, did = answer(done, ok=False, error="no")
    assert (again, did) == (done, Acknowledged.DUPLICATE)


@pytest.mark.parametrize("swept", [False, True], ids=["before the sweep", "after the sweep"])
def test_a_word_after_the_deadline_changes_no_state(swept: bool) -> None:
    order = expired(published(BARRIER, GIVEN), TOO_LATE) if swept else published(BARRIER, GIVEN)
    late, did = answer(order, TOO_LATE)
    assert (late.state, late.acknowledged_late_at, did) == (OrderState.EXPIRED, TOO_LATE, Acknowledged.LATE)
    assert late.acknowledged_at is None
    assert answer(late, TOO_LATE)[1] is Acknowledged.DUPLICATE


def test_the_deadline_itself_is_in_time() -> None:
    assert expired(BARRIER, DEADLINE) is BARRIER
    assert answer(BARRIER, DEADLINE)[0].state is OrderState.DONE


def test_only_a_text_that_has_not_gone_out_gives_way() -> None:
    assert superseded(TEXT, IN_TIME, "ord_2").state is OrderState.SUPERSEDED
    assert superseded(BARRIER, IN_TIME, "ord_2") is BARRIER
    sent = published(TEXT, GIVEN)
    assert superseded(sent, IN_TIME, "ord_2") is sent
    on_its_way = dispatched(TEXT, GIVEN)
    assert superseded(on_its_way, IN_TIME, "ord_2") is on_its_way
    assert answer(on_its_way)[0].state is OrderState.DONE
    assert dispatched(BARRIER, GIVEN) is BARRIER


def test_an_answer_in_time_that_was_stored_after_the_sweep_is_late() -> None:
    late, did = answer(expired(published(BARRIER, GIVEN), TOO_LATE))
    assert (late.state, late.acknowledged_late_at, did) == (OrderState.EXPIRED, IN_TIME, Acknowledged.LATE)
    assert is_consistent(late)


def test_a_text_that_gave_way_and_was_answered_in_time_was_shown_after_all() -> None:
    done, did = answer(superseded(TEXT, GIVEN, "ord_2"))
    assert (done.state, done.superseded_by, did) == (OrderState.DONE, None, Acknowledged.STORED)
    late, did = answer(superseded(TEXT, GIVEN, "ord_2"), TOO_LATE)
    assert (late.state, did) == (OrderState.SUPERSEDED, Acknowledged.LATE)


def test_what_the_broker_refused_has_failed_unless_it_is_over() -> None:
    assert refused(BARRIER, IN_TIME, "no").state is OrderState.FAILED
    done, _ = answer(BARRIER)
    assert refused(done, IN_TIME, "no") is done


def test_no_state_without_its_times() -> None:
    assert is_consistent(BARRIER)
    assert not is_consistent(Order(kind=OrderKind.OPEN_BARRIER, expires_at=DEADLINE, state=OrderState.DONE))


@pytest.mark.parametrize(
    ("kind", "place", "field"),
    [
        ("open_barrier", {"lane": "X1"}, None),
        ("refuse_entry", {"lane": "E1"}, None),
        ("raise_lock", {"space": "B1-1"}, None),
        ("lower_lock", {"space": "B1-1"}, None),
        ("show_text", {"lane": "E1", "text": "满"}, None),
        ("show_text", {"sign": "s-1", "text": "满"}, None),
        ("resend_snapshot", {}, None),
        ("open_barrier", {}, "lane"),
        ("open_barrier", {"lane": "X1", "space": "B1-1"}, "space"),
        ("lower_lock", {}, "space"),
        ("lower_lock", {"lane": "X1"}, "lane"),
        ("show_text", {"lane": "E1"}, "text"),
        ("show_text", {"text": "满"}, "lane"),
        ("show_text", {"lane": "E1", "sign": "s-1", "text": "满"}, "lane"),
        ("resend_snapshot", {"lane": "E1"}, "lane"),
    ],
)
def test_each_kind_has_its_place(kind: str, place: dict[str, str], field: str | None) -> None:
    given = dict.fromkeys(("lane", "space", "sign", "text")) | place
    fault = fault_of(OrderKind(kind), **given)
    assert (fault and fault.field) == field
