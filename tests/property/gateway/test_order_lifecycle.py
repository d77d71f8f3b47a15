"""Whatever happens to an order in whatever sequence, its row is one that can be, and what is closed stays so."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.orders import OrderKind, OrderState
from gateway.order_lifecycle import (
    OPEN,
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

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
Step = Callable[[Order, datetime], Order]

steps: st.SearchStrategy[Step] = st.one_of(
    st.just(dispatched),
    st.just(published),
    st.just(expired),
    st.just(lambda order, now: superseded(order, now, "ord_2")),
    st.just(lambda order, now: refused(order, now, "no")),
    st.tuples(st.booleans(), st.sampled_from([None, "jammed"])).map(
        lambda word: lambda order, now: acknowledged(order, ok=word[0], error=word[1], at=now, received_at=now)[0]
    ),
)


@given(
    kind=st.sampled_from(OrderKind),
    moves=st.lists(st.tuples(steps, st.integers(0, 6)), max_size=8),
)
def test_every_way_through_is_consistent_and_ends_once(kind: OrderKind, moves: list[tuple[Step, int]]) -> None:
    order = Order(kind=kind, expires_at=START + timedelta(seconds=10))
    now = START
    for step, seconds in moves:
        now += timedelta(seconds=seconds)
        before, order = order, step(order, now)
        assert is_consistent(order), order
        answered_after_all = before.state is OrderState.SUPERSEDED and order.acknowledged_at is not None
        if before.state not in OPEN and not answered_after_all:
            assert (order.state, order.closed_at) == (before.state, before.closed_at)
        if order.state is OrderState.DONE:
            assert order.acknowledged_at is not None
            assert order.acknowledged_at <= order.expires_at
        assert is_consistent(expired(order, now))


@given(words=st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=6))
def test_of_several_answers_one_counts(words: list[tuple[bool, int]]) -> None:
    order = Order(kind=OrderKind.OPEN_BARRIER, expires_at=START + timedelta(seconds=10))
    did = []
    now = START
    for ok, seconds in words:
        now += timedelta(seconds=seconds)
        order, what = acknowledged(order, ok=ok, error=None, at=now, received_at=now)
        did.append(what)
    assert did[0] is not Acknowledged.DUPLICATE
    assert set(did[1:]) <= {Acknowledged.DUPLICATE}
