"""Verdicts on their way to the table: kept by `record` while the tests go, told at the end. Imported by conftest."""

from collections.abc import Generator
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from kernel.clock import SystemClock
from tests.faults.oracle import Verdict
from tests.faults.results import Kind, Results, commit_of, headline, write_between_markers

SEED = 20_261_124
_RESULTS = pytest.StashKey[Results]()
_STARTED = pytest.StashKey[float]()
_ROOT = Path(__file__).resolve().parents[2]


def begin(config: pytest.Config) -> None:
    """Before any test."""
    config.stash[_RESULTS] = Results()
    config.stash[_STARTED] = SystemClock().monotonic()


class Record(Protocol):
    """Keeps the verdict on a fault that was done so many times, each of them of these `kinds`."""

    def __call__(self, verdict: Verdict, times: int, remark: str = "", *, kinds: tuple[Kind, ...] = ()) -> None: ...


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Keeps verdicts for the table at the end of the run."""

    def keep(verdict: Verdict, times: int, remark: str = "", *, kinds: tuple[Kind, ...] = ()) -> None:
        request.config.stash[_RESULTS].add(_name(request.node), verdict, times, remark, kinds)

    return keep


def _name(item: pytest.Item) -> str:
    """One for all runs of a test."""
    name, bracket, parameters = item.name.partition("[")
    kept = [part for part in parameters.removesuffix("]").split("-") if not part.startswith("run")]
    return f"{name}[{'-'.join(kept)}]" if bracket and any(kept) else name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed has its line in the table as well."""
    report = yield
    if call.excinfo is not None and report.failed:
        why = str(call.excinfo.value).strip().splitlines() or [call.excinfo.typename]
        item.config.stash[_RESULTS].fail(_name(item), why[0])
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of docs/reliability.md, and with `--report` into it."""
    results = config.stash[_RESULTS]
    if not results.lines:
        return
    clock = SystemClock()
    told = [f"{len(terminalreporter.stats.get(word, []))} {word}" for word in ("passed", "failed", "error", "skipped")]
    head = headline(
        day=clock.now().date(),
        commit=commit_of(_ROOT),
        cores=psutil.cpu_count() or 0,
        seed=int(config.getoption("--seed", default=SEED)),
        outcome=", ".join(word for word in told if not word.startswith("0 ")),
        minutes=(clock.monotonic() - config.stash[_STARTED]) / 60,
    )
    markdown = results.markdown(head)
    terminalreporter.section("faults")
    terminalreporter.write_line(markdown)
    report: Path | None = config.getoption("--report", default=None)
    if report is not None:
        write_between_markers(report, markdown)
