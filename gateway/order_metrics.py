"""What is counted about orders, for Prometheus: in the gateway by what happened to them, in the worker who expired."""

from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram

_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


class OrderMetrics:
    """One per process, made by `app`. An order is `dispatched` as often as it is handed to the broker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._orders = Counter(
            "berth_gateway_orders",
            "Orders to devices by what became of them: dispatched, published, done, failed, expired, late, duplicate",
            ["kind", "event"],
            registry=registry,
        )
        self._seconds = Histogram(
            "berth_gateway_order_seconds",
            "From giving an order to the broker's PUBACK (published) or to the device's answer (answered)",
            ["until"],
            buckets=_BUCKETS,
            registry=registry,
        )

    def count(self, kind: str, event: str) -> None:
        """One order of `kind` was `event`."""
        self._orders.labels(kind=kind, event=event).inc()

    def published(self, kind: str, after: timedelta) -> None:
        """The broker has it."""
        self.count(kind, "published")
        self._seconds.labels(until="published").observe(after.total_seconds())

    def answered(self, kind: str, event: str, after: timedelta, *, closed: bool) -> None:
        """The device's word came; the one that closed the order is the one that was waited for."""
        self.count(kind, event)
        if closed:
            self._seconds.labels(until="answered").observe(after.total_seconds())
