"""What a committed batch adds to the gateway's figures."""

from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from contracts.ids import CarParkId
from contracts.orders import OrderKind, OrderState
from gateway.acknowledge_orders import Answer
from gateway.events import Decoded
from gateway.metrics import GatewayMetrics
from gateway.order_lifecycle import Acknowledged
from gateway.received import Received
from gateway.record import Outcome
from gateway.taken import Taken

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def received(seconds_ago: float) -> Taken:
    return Taken.of(Received("t", b"", 0, 1, 1, False, 1, NOW - timedelta(seconds=seconds_ago)), Decoded(None))


def test_the_lag_is_that_of_the_oldest_wherever_it_stands_in_the_batch() -> None:
    registry = CollectorRegistry()
    batch = [received(1), received(7), received(2)]
    GatewayMetrics(registry).count(batch, Outcome(), committed_at=NOW)
    assert registry.get_sample_value("berth_gateway_commit_lag_seconds_sum") == 7


def test_an_answer_that_found_its_order_over_is_late_and_the_order_expired() -> None:
    registry = CollectorRegistry()
    kind, state = OrderKind.OPEN_BARRIER, OrderState.EXPIRED
    answers = [
        Answer(CarParkId("mall-1"), kind, did, state, NOW, NOW, expired=expired)
        for did, expired in ((Acknowledged.LATE, True), (Acknowledged.LATE, False), (Acknowledged.DUPLICATE, False))
    ]
    GatewayMetrics(registry).count([received(0)], Outcome(answers=answers), committed_at=NOW)

    def counted(event: str) -> float | None:
        return registry.get_sample_value("berth_gateway_orders_total", {"kind": kind, "event": event})

    assert [counted(event) for event in ("late", "expired", "duplicate")] == [2, 1, 1]
