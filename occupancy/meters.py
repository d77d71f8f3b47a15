"""What occupancy counts about itself, for Prometheus. Names start with `berth_occupancy_`."""

from prometheus_client import CollectorRegistry, Counter


class OccupancyMeters:
    """Made once a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.recounted = Counter(
            "berth_occupancy_recounted", "Car parks whose spaces were counted again", registry=registry
        )
        self.mended = Counter(
            "berth_occupancy_belated_moves", "Moves added to a stretch of a curve that had passed", registry=registry
        )
        self.repaired = Counter(
            "berth_occupancy_sums_repaired", "Car parks whose sums did not match their spaces", registry=registry
        )
