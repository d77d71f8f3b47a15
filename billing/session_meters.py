"""What waits among the stays, for Prometheus."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge

from billing.session_lifecycle import EXCEPTIONS


class SessionMeters:
    """Made once a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waiting = Gauge(
            "berth_billing_exceptions", "Stays that wait for a person, by their state", ["state"], registry=registry
        )
        self._unbilled = Gauge(
            "berth_billing_unbilled_seconds",
            "For how long the oldest stay that is over has waited for the worker to price it",
            registry=registry,
        )

    def waiting(self, by_state: Mapping[str, int], *, unbilled_s: float) -> None:
        """As it is now."""
        for state in EXCEPTIONS:
            self._waiting.labels(state=state.value).set(by_state.get(state, 0))
        self._unbilled.set(unbilled_s)
