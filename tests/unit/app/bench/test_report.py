"""A bench's JSON is read by programs that know the contract only."""

from app.bench.report import BenchReport, Result, spread

_KEYS = {"metric", "value", "unit", "baseline", "baseline_value", "ratio"}


def test_the_document_is_the_contracts() -> None:
    report = BenchReport("ingest", [Result("m", 70, "events/s", baseline="b", baseline_value=100.0)], commit="abc")
    document = report.document()
    assert set(document) == {"name", "machine", "commit", "results"}
    assert set(document["results"][0]) == _KEYS
    assert document["results"][0]["ratio"] == 0.7


def test_a_figure_without_baseline_has_nulls() -> None:
    [result] = BenchReport("memory", [Result("rss_mb_608", 663.0, "MB")], commit="abc").document()["results"]
    assert set(result) == _KEYS
    assert (result["baseline"], result["baseline_value"], result["ratio"]) == (None, None, None)


def test_several_runs_tell_median_least_and_most() -> None:
    found = {result.metric: result.value for result in spread("x", [3.0, 1.0, 2.0], "s")}
    assert found == {"x": 2.0, "x_min": 1.0, "x_max": 3.0}


def test_one_run_has_no_spread() -> None:
    assert [result.metric for result in spread("x", [3.0], "s")] == ["x"]
