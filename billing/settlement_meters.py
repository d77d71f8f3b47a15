"""What the ledger's nightly check and the settlement find, for Prometheus."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from billing.matching import Kind


class SettlementMeters:
    """Made once a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ledger = Gauge(
            "berth_billing_ledger_differences",
            "Where the ledger's last check found something kept that its entries do not say: a defect, each of them",
            registry=registry,
        )
        self._open = Gauge(
            "berth_billing_differences_open",
            "Where our payments and the channels' bills differ, and nobody has resolved it",
            ["kind"],
            registry=registry,
        )
        self._days = Counter(
            "berth_billing_days", "Operators' days, by what became of them", ["step"], registry=registry
        )

    def checked(self, differences: int) -> None:
        """What one night found."""
        self._ledger.set(differences)

    def compared(self, open_by_kind: Mapping[str, int]) -> None:
        """What is open now."""
        for kind in Kind:
            self._open.labels(kind=kind.value).set(open_by_kind.get(kind, 0))

    def settled(self, *, frozen: int, reconciled: int) -> None:
        """By one run."""
        self._days.labels(step="frozen").inc(frozen)
        self._days.labels(step="reconciled").inc(reconciled)
