"""Whatever order transactions end in, acknowledgements are a prefix of what arrived, and nothing is left at the end."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.arrivals import Arrivals
from gateway.received import Received

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@given(st.permutations(list(range(1, 13))), st.lists(st.integers(1, 4), min_size=12, max_size=12))
def test_acknowledgements_are_a_prefix(order: list[int], cuts: list[int]) -> None:
    arrivals = Arrivals(messages_max=12)
    messages = {mid: Received("t", b"", 0, 1, mid, False, 1, NOW) for mid in range(1, 13)}
    for message in messages.values():
        arrivals.add(message)
    assert arrivals.full
    acknowledged: list[int] = []
    stored: set[int] = set()
    for size in cuts:
        some, order = order[:size], order[size:]
        stored.update(some)
        acknowledged += [message.mid for message in arrivals.stored(messages[mid] for mid in some)]
        first_open = next((mid for mid in range(1, 13) if mid not in stored), 13)
        assert acknowledged == list(range(1, first_open))
    assert len(arrivals) == 0
