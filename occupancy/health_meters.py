"""How good the city's data is, for Prometheus."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

BANDS: Final = ((90, "90-100"), (80, "80-89"), (60, "60-79"), (40, "40-59"), (20, "20-39"), (0, "0-19"))
POOR_UNDER: Final = 60
"""A driver should not be sent there without a second choice."""


class HealthMeters:
    """Made once, in the worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._scores = Gauge(
            "berth_quality_score", "Car parks by the band of their data quality score", ["band"], registry=registry
        )
        self._poor = Gauge(
            "berth_quality_poor_car_parks", f"Car parks with a score under {POOR_UNDER}", registry=registry
        )
        self._worst = Gauge("berth_quality_worst_score", "The lowest score; 100 without any", registry=registry)
        self._silent = Gauge(
            "berth_quality_silent_devices", "Devices, sensors, counters gone silent", registry=registry
        )
        self._low = Gauge("berth_quality_low_batteries", "Those low on battery", registry=registry)

    def show_scores(self, scores: Iterable[int]) -> None:
        """Take over the scores of all rated car parks."""
        given = list(scores)
        bands = Counter(band_of(score) for score in given)
        for _, band in BANDS:
            self._scores.labels(band).set(bands[band])
        self._poor.set(sum(score < POOR_UNDER for score in given))
        self._worst.set(min(given, default=100))

    def show_devices(self, *, silent: int, low: int) -> None:
        """Take over how many devices need a visit."""
        self._silent.set(silent)
        self._low.set(low)


def band_of(score: int) -> str:
    """Of `BANDS`, the one that `score` is in."""
    return next(band for least, band in BANDS if score >= least)
