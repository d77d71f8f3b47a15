"""One exposition out of several processes."""

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.parser import text_string_to_metric_families

from kernel.metrics import exposition, merged


def _process(count: int) -> str:
    registry = CollectorRegistry()
    Counter("berth_messages", "Messages received.", ["kind"], registry=registry).labels("spaces").inc(count)
    Histogram("berth_commit_seconds", "Commits.", buckets=(0.1, 1.0), registry=registry).observe(0.05)
    return exposition(registry)


def test_samples_of_every_process_are_kept_apart_by_role() -> None:
    whole = merged({"api": _process(2), "gateway": _process(40)})
    families = {family.name: family for family in text_string_to_metric_families(whole)}
    totals = {
        sample.labels["role"]: sample.value
        for sample in families["berth_messages"].samples
        if sample.name == "berth_messages_total"
    }
    assert totals == {"api": 2, "gateway": 40}
    assert whole.count("# TYPE berth_messages_total counter") == 1


def test_histograms_keep_their_buckets() -> None:
    whole = merged({"gateway": _process(1)})
    assert 'berth_commit_seconds_bucket{le="0.1",role="gateway"} 1.0' in whole
