"""What a bench tells: figures with their baseline, the machine they were taken on, the commit they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from rich.table import Table

from app.bench.machine import about_commit, about_machine


class BenchImpossible(Exception):
    """The bench cannot run on this machine; the message says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. `baseline` names what it is held against; `ratio` is value / baseline value."""

    metric: str
    value: float
    unit: str
    baseline: str | None = None
    baseline_value: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline_value if self.baseline_value else None


@dataclass(frozen=True, slots=True)
class BenchReport:
    """All figures of one bench; `notes` say in words what was done, for the reader of the table."""

    name: str
    results: Sequence[Result]
    notes: Sequence[str] = ()
    machine: Mapping[str, str | int | float] = field(default_factory=about_machine)
    commit: str = field(default_factory=about_commit)

    def document(self) -> dict[str, Any]:
        """The JSON of the contract: name, machine, commit, results."""
        return {
            "name": self.name,
            "machine": dict(self.machine),
            "commit": self.commit,
            "results": [
                {
                    "metric": result.metric,
                    "value": _rounded(result.value),
                    "unit": result.unit,
                    "baseline": result.baseline,
                    "baseline_value": _rounded(result.baseline_value),
                    "ratio": _rounded(result.ratio),
                }
                for result in self.results
            ],
        }

    def table(self) -> Table:
        """The same for people."""
        about = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        table = Table(title=f"{self.name} at {self.commit[:12]}", caption="\n".join([*self.notes, about]))
        table.add_column("metric", no_wrap=True)
        for heading in ("value", "baseline", "ratio"):
            table.add_column(heading, justify="right", no_wrap=True, min_width=8)
        table.add_column("against")
        for result in self.results:
            table.add_row(
                result.metric,
                f"{_shown(result.value)} {result.unit}",
                _shown(result.baseline_value),
                _shown(result.ratio),
                result.baseline or "",
            )
        return table


def spread(metric: str, values: Sequence[float], unit: str, *, baseline: Result | None = None) -> list[Result]:
    """Median of `values` under the metric's own name; with several, their `_min` and `_max` in two more rows."""
    middle = Result(
        metric,
        median(values),
        unit,
        baseline=baseline.baseline if baseline else None,
        baseline_value=baseline.value if baseline else None,
    )
    if len(values) == 1:
        return [middle]
    return [middle, Result(f"{metric}_min", min(values), unit), Result(f"{metric}_max", max(values), unit)]


def percentiles(metric: str, delays_ms: Sequence[float], *, baseline: Result | None = None) -> list[Result]:
    """The 99th percentile, held against `baseline`, the median and the largest of many delays."""
    cuts = quantiles(delays_ms, n=100)
    against = (baseline.metric, baseline.value) if baseline else (None, None)
    return [
        Result(f"{metric}_p99", cuts[98], "ms", *against),
        Result(f"{metric}_p50", cuts[49], "ms"),
        Result(f"{metric}_max", max(delays_ms), "ms"),
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
