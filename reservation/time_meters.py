"""What the clock's work counts, for Prometheus: how late it is, what was moved, who waits, what was told outside."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge


class TimeMeters:
    """Made once a process; a worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Gauge(
            "berth_reservation_sweep_lag_seconds",
            "How long ago the oldest deadline passed that the sweep had not looked at when it began",
            registry=registry,
        )
        self._steps = Counter("berth_reservation_events", "Steps of promises, by kind", ["kind"], registry=registry)
        self._waiting = Gauge("berth_reservation_waiting", "Places in the waiting list", registry=registry)
        self._offered = Gauge(
            "berth_reservation_waiting_offered", "Of those who waited: offers not yet answered", registry=registry
        )
        self._offers = Counter(
            "berth_reservation_wait_offers", "Offers that the sweep made to whoever waits", registry=registry
        )
        self._deliveries = Counter(
            "berth_reservation_webhook_attempts",
            "Attempts to tell a webhook, by outcome",
            ["outcome"],
            registry=registry,
        )

    def overdue(self, since: datetime | None, now: datetime) -> None:
        """At the beginning of a sweep."""
        self._lag.set(0 if since is None else max(0.0, (now - since).total_seconds()))

    def in_line(self, waiting: int, offered: int) -> None:
        """At the end of a look at everybody who waits."""
        self._waiting.set(waiting)
        self._offered.set(offered)

    def offered(self, offers: int) -> None:
        """Offers that it made, beside those that were made where a promise ended."""
        self._offers.inc(offers)

    def steps(self, counts: Mapping[str, int]) -> None:
        """Events that were read, by kind."""
        for kind, count in counts.items():
            self._steps.labels(kind).inc(count)

    def attempted(self, outcome: str) -> None:
        """`delivered`, `failed`, `dead` or `put_off`."""
        self._deliveries.labels(outcome).inc()
