"""Prometheus metrics: a registry a process, handed to whoever counts; nothing global.

Every role serves its own `/metrics` on its own port. In `berth up` the api's `/metrics` also shows its siblings: it
fetches their expositions and `merged` puts them into one, each sample labelled with its `role`.
"""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets in seconds, from one commit to what a time-out cuts: the bounds of our promises (0.3 s fresh) are between."""


def process_registry() -> CollectorRegistry:
    """A registry that already knows the process it is in: memory, descriptors, CPU, garbage collection."""
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry) -> str:
    """What `/metrics` answers for one process."""
    return generate_latest(registry).decode()


def merged(expositions: Mapping[str, str]) -> str:
    """One exposition of several, by role: the same family is written once, its samples carry `role`.

    Raises ValueError when a text is not an exposition.
    """
    families: dict[str, Metric] = {}
    for role, text in expositions.items():
        for family in text_string_to_metric_families(text):
            whole = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            whole.samples.extend(sample._replace(labels={**sample.labels, "role": role}) for sample in family.samples)
    registry = CollectorRegistry()
    registry.register(_Fixed(families.values()))
    return generate_latest(registry).decode()


class _Fixed(Collector):
    """Families that were collected elsewhere."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families
