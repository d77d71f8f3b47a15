"""How long a channel that does not answer is left alone."""

from billing.channels.patience import FAILURES_MIN, REST_S_MAX, Patience


def test_three_failures_in_a_row_are_followed_by_longer_and_longer_rests() -> None:
    patience, now = Patience(), 0.0
    for _ in range(FAILURES_MIN - 1):
        patience.failed("a", now)
    assert patience.rest_s("a", now) == 0
    rests = []
    for _ in range(10):
        patience.failed("a", now)
        rests.append(patience.rest_s("a", now))
        now += rests[-1]
        assert patience.rest_s("a", now) == 0
    assert rests[:3] == [2, 4, 8]
    assert rests[-1] == REST_S_MAX
    assert patience.rest_s("b", now) == 0


def test_those_under_way_together_rest_together() -> None:
    patience = Patience()
    for _ in range(10):
        patience.failed("a", 0)
    assert patience.rest_s("a", 0) == 2
    patience.failed("a", 2)
    assert patience.rest_s("a", 2) == 4


def test_one_answer_ends_it() -> None:
    patience = Patience()
    for _ in range(5):
        patience.failed("a", 0)
    patience.answered("a")
    assert patience.rest_s("a", 0) == 0
    patience.failed("a", 0)
    assert patience.rest_s("a", 0) == 0
