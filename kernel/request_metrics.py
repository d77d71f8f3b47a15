"""What the HTTP edge counts: requests by route template and status, and the live streams that are open."""

from prometheus_client import CollectorRegistry, Gauge, Histogram

from kernel.metrics import LATENCY_S
from kernel.sse import Streams

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
"""A made-up method is counted as "other": callers must not be able to make series."""


class RequestMetrics:
    """Counts on `registry`; the `observe` of `kernel.webserver.make_application`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "berth_http_request_seconds",
            "Time from a request's head to its answer, by route template.",
            ["method", "route", "status"],
            buckets=LATENCY_S,
            registry=registry,
        )
        self._streams = Gauge("berth_http_streams", "Live streams that are open now.", registry=registry)

    def __call__(self, *, method: str, route: str, status: int, seconds: float) -> None:
        known = method if method in METHODS else "other"
        self._seconds.labels(known, route, str(status)).observe(seconds)

    def watch(self, streams: Streams) -> None:
        """Show the number of `streams` whenever metrics are read."""
        self._streams.set_function(lambda: float(len(streams)))
