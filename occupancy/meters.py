"""What occupancy counts about itself, for Prometheus. Names start with `berth_occupancy_`."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge


class OccupancyMeters:
    """Made once a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.recounted = Counter(
            "berth_occupancy_recounted", "Car parks whose spaces were counted again", registry=registry
        )
        self.mended = Counter(
            "berth_occupancy_belated_moves", "Moves added to a stretch of a curve that had passed", registry=registry
        )
        self.drifts_proposed = Counter(
            "berth_occupancy_drifts_proposed", "Corrections proposed of counters that drift", registry=registry
        )
        self.repaired = Counter(
            "berth_occupancy_sums_repaired", "Car parks whose sums did not match their spaces", registry=registry
        )


class SnapshotMeters:
    """Of the process beside MQTT."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gaps = Gauge(
            "berth_occupancy_seq_gaps",
            "Gaps in the numbers of sensors and counters, by what became of them, as long as they are remembered",
            ["fate"],
            registry=registry,
        )
        self.waiting = Gauge(
            "berth_occupancy_snapshots_waiting", "Car parks that shall tell everything again", registry=registry
        )
        self.ordered = Counter("berth_occupancy_snapshots_ordered", "Snapshots that were ordered", registry=registry)
        self.done = Counter(
            "berth_occupancy_snapshots_done", "Losses that were made good or given up", registry=registry
        )

    def show_gaps(self, by_fate: Mapping[str, int]) -> None:
        """Take over how many there are; what is not named is none."""
        for fate in ("open", "late", "snapshot", "unanswered"):
            self._gaps.labels(fate).set(by_fate.get(fate, 0))
