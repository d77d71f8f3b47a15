"""What the gateway counts about itself, for Prometheus. One object, made by `app`, shared by the parts."""

from collections.abc import Callable, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.link import Link
from gateway.order_lifecycle import Acknowledged
from gateway.order_metrics import OrderMetrics
from gateway.queue import Queue
from gateway.record import Outcome
from gateway.taken import Taken

_COMMIT_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class GatewayMetrics:
    """Names start with `berth_gateway_`; none carries a car park, of which there are hundreds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter(
            "berth_gateway_messages_received", "Messages taken out of the queue to be stored", registry=registry
        )
        self.events = Counter(
            "berth_gateway_events", "Events committed, by what became of them", ["outcome"], registry=registry
        )
        self.refused = Counter(
            "berth_gateway_refused", "Events refused into the dead letters", ["reason"], registry=registry
        )
        self.clock_ahead = Counter(
            "berth_gateway_clock_ahead", "Events whose time lay in our future and was clamped", registry=registry
        )
        self.commits = Histogram(
            "berth_gateway_commit_seconds",
            "Time of a batch's transaction, commit included",
            buckets=_COMMIT_BUCKETS,
            registry=registry,
        )
        self.batch_events = Histogram(
            "berth_gateway_batch_events",
            "Events in one transaction",
            buckets=(1, 5, 20, 50, 100, 200, 500, 1000, 2000, 5000),
            registry=registry,
        )
        self.lag = Histogram(
            "berth_gateway_commit_lag_seconds",
            "From receiving a batch's oldest message to its commit",
            buckets=_COMMIT_BUCKETS,
            registry=registry,
        )
        self.not_kept = Counter(
            "berth_gateway_dead_letters_not_kept", "Refusals counted and told, but too many to keep", registry=registry
        )
        self.retries = Counter("berth_gateway_retries", "Transactions repeated, by cause", ["cause"], registry=registry)
        self.miscounted = Counter(
            "berth_gateway_miscounted", "Events whose outcome nobody told: a defect of ours", registry=registry
        )
        self.queue_messages = Gauge("berth_gateway_queue_messages", "Messages waiting to be stored", registry=registry)
        self.queue_bytes = Gauge("berth_gateway_queue_bytes", "Memory they hold, estimated", registry=registry)
        self.unacknowledged = Gauge(
            "berth_gateway_unacknowledged", "Messages not yet acknowledged to the broker", registry=registry
        )
        self.outbox = Gauge("berth_gateway_outbox", "Messages waiting to be published", registry=registry)
        self.connects = Gauge("berth_gateway_connects", "Connections made to the broker so far", registry=registry)
        self.sessions_lost = Gauge(
            "berth_gateway_sessions_lost", "Reconnections after which the broker had forgotten us", registry=registry
        )
        self.orders = OrderMetrics(registry)
        self.ready = Gauge(
            "berth_gateway_ready", "1 when subscribed, or spare, and the database answers", registry=registry
        )
        self.slot = Gauge("berth_gateway_slot", "The slot this process holds; -1: it is spare", registry=registry)

    def watch(self, link: Link, queue: Queue, ready: Callable[[], bool], slot: Callable[[], int]) -> None:
        """Read the gauges from the parts themselves whenever they are asked for."""
        self.queue_messages.set_function(lambda: len(queue))
        self.queue_bytes.set_function(lambda: queue.weight_bytes)
        self.unacknowledged.set_function(lambda: link.unacknowledged)
        self.outbox.set_function(lambda: len(link.outbox))
        self.connects.set_function(lambda: link.connects)
        self.sessions_lost.set_function(lambda: link.sessions_lost)
        self.ready.set_function(lambda: float(ready()))
        self.slot.set_function(slot)

    def count(self, batch: Sequence[Taken], outcome: Outcome, *, committed_at: datetime) -> None:
        """One committed batch."""
        self.batch_events.observe(sum(taken.events for taken in batch))
        self.lag.observe((committed_at - min(taken.message.received_at for taken in batch)).total_seconds())
        self.clock_ahead.inc(sum(taken.said.clock_ahead for taken in batch))
        self.miscounted.inc(max(0, outcome.miscounted))
        self.not_kept.inc(outcome.not_kept)
        for name, number in outcome.sums():
            if number:
                self.events.labels(outcome=name).inc(number)
        for answer in outcome.answers:
            closed = answer.did is Acknowledged.STORED
            event = answer.state if closed else answer.did
            self.orders.answered(answer.kind, event, answer.received_at - answer.given_at, closed=closed)
            if answer.expired:
                self.orders.count(answer.kind, answer.state)
        for letter in outcome.letters:
            self.refused.labels(reason=letter.reason.value).inc(letter.events)
