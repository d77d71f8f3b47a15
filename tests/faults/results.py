"""What the suite found, as docs/reliability.md shows it: one line a fault, and the counts that the project promised."""

import subprocess
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from tests.faults.oracle import Verdict

Kind = Literal["gateway kills", "database kills", "broker stops", "broker kills", "network cuts"]
PROMISED: dict[Kind, int] = {
    "gateway kills": 100,
    "database kills": 50,
    "broker stops": 50,
    "network cuts": 200,
    "broker kills": 1,
}
"""How often each has to happen in the long set before "nothing lost" may be said of it."""
BEGIN = "<!-- results: `make faults` writes what is between these two lines -->"
END = "<!-- end of results -->"


@dataclass
class Line:
    """One test over all of its runs; `failed` says why when one of them did."""

    runs: int = 0
    times: int = 0
    events: int = 0
    history: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    remarks: list[str] = field(default_factory=list)
    failed: str = ""

    def add(self, verdict: Verdict, times: int, remark: str) -> None:
        self.runs += 1
        self.times += times
        self.events += verdict.events
        self.history += verdict.history
        self.lost += len(verdict.lost)
        self.doubled += len(verdict.doubled) + len(verdict.invented)
        self.wrong += len(verdict.wrong)
        if remark:
            self.remarks.append(remark)

    def __str__(self) -> str:
        told = f"**failed**: {self.failed}" if self.failed else "; ".join(dict.fromkeys(self.remarks))
        return (
            f"{self.runs} | {self.times} | {self.events:,} | {self.history:,} | {self.lost} | {self.doubled}"
            f" | {self.wrong} | {told}"
        )


class Results:
    """Collects as the tests go."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.counts: Counter[Kind] = Counter()
        self.bad: dict[Kind, Counter[str]] = {kind: Counter() for kind in PROMISED}

    def add(self, test: str, verdict: Verdict, times: int, remark: str, kinds: tuple[Kind, ...]) -> None:
        self.lines.setdefault(test, Line()).add(verdict, times, remark)
        for kind in kinds:
            self.counts[kind] += times
            self.bad[kind] += Counter(
                lost=len(verdict.lost),
                doubled=len(verdict.doubled) + len(verdict.invented),
                wrong=len(verdict.wrong),
            )

    def fail(self, test: str, why: str) -> None:
        self.lines.setdefault(test, Line()).failed = why.replace("|", "/")[:200]

    def markdown(self, headline: str) -> str:
        """Two tables under `headline`."""
        return "\n".join(
            [
                headline,
                "",
                "| under load | promised | done | lost | doubled | wrong |",
                "|---|---|---|---|---|---|",
                *(
                    f"| {kind} | {promised} | {self.counts[kind]} | {self.bad[kind]['lost']}"
                    f" | {self.bad[kind]['doubled']} | {self.bad[kind]['wrong']} |"
                    for kind, promised in PROMISED.items()
                ),
                "",
                "| fault | runs | times | events said | in history | lost | doubled | wrong | |",
                "|---|---|---|---|---|---|---|---|---|",
                *(f"| {test} | {line} |" for test, line in self.lines.items()),
            ]
        )


def commit_of(root: Path) -> str:
    """The commit that was tried, `+` when something was not committed; "unknown" outside a checkout."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def headline(*, day: date, commit: str, cores: int, seed: int, outcome: str, minutes: float) -> str:
    return (
        f"`make faults` on {day.isoformat()}, commit {commit}, {cores} cores, seed {seed}:"
        f" {outcome} in {minutes:.0f} min."
    )


def write_between_markers(page: Path, results: str) -> None:
    """Replace what the last run left in `page`. Raises ValueError when it has no markers."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for results: {BEGIN} ... {END}")
    page.write_text(f"{before}{BEGIN}\n{results}\n{END}{after}", encoding="utf-8")
