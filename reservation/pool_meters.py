"""What the nightly recount of the pools counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter


class PoolMeters:
    """Made once a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counted = Counter(
            "berth_reservation_pools_recounted", "Car parks whose promises were counted again", registry=registry
        )
        self._mended = Counter(
            "berth_reservation_pool_days_mended",
            "Days whose counters were not what the promises say: a defect, each of them",
            registry=registry,
        )

    def counted(self, *, car_parks: int, differing_days: int) -> None:
        """What one night found."""
        self._counted.inc(car_parks)
        self._mended.inc(differing_days)
