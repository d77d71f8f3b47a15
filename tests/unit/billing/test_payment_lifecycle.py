"""Whatever is told in whatever order, the channel's truth is where a payment ends."""

from datetime import timedelta
from itertools import permutations

import pytest

from billing.channels.protocol import RefundStanding, Standing
from billing.payment_lifecycle import RefundState, State, after, ask_again_after, refund_after


def told(state: State, *standings: Standing) -> State:
    for standing in standings:
        state = after(state, standing)
    return state


@pytest.mark.parametrize("truth", [Standing.SUCCEEDED, Standing.FAILED, Standing.CLOSED])
def test_any_order_ends_alike(truth: Standing) -> None:
    for order in permutations([Standing.WAITING, Standing.ACCEPTED, truth, truth]):
        assert told(State.CREATED, *order) == State(truth)


def test_what_was_paid_stays_paid_and_what_failed_may_have_been_paid_after_all() -> None:
    assert told(State.SUCCEEDED, *Standing) is State.SUCCEEDED
    assert told(State.FAILED, Standing.SUCCEEDED) is State.SUCCEEDED
    assert told(State.CLOSED, Standing.SUCCEEDED) is State.SUCCEEDED
    assert told(State.FAILED, Standing.ACCEPTED, Standing.WAITING, Standing.CLOSED) is State.FAILED


def test_nothing_known_says_nothing() -> None:
    for state in State:
        assert after(state, Standing.UNKNOWN) is state


def test_refunds() -> None:
    assert refund_after(RefundState.CREATED, RefundStanding.PROCESSING) is RefundState.SENT
    assert refund_after(RefundState.SENT, RefundStanding.PROCESSING) is RefundState.SENT
    assert refund_after(RefundState.SUCCEEDED, RefundStanding.FAILED) is RefundState.SUCCEEDED
    assert refund_after(RefundState.FAILED, RefundStanding.SUCCEEDED) is RefundState.SUCCEEDED


def test_who_waits_is_asked_for_more_often() -> None:
    waits = [ask_again_after(n, is_waited_for=False) for n in range(1, 40)]
    assert waits[:4] == [timedelta(seconds=s) for s in (4, 8, 16, 32)]
    assert max(waits) == timedelta(hours=1)
    assert ask_again_after(10, is_waited_for=True) == timedelta(seconds=30)
