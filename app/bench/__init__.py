"""`berth bench NAME`: figures that anyone can repeat, each beside a baseline measured in the same run."""

from app.bench.report import BenchImpossible, BenchReport, Result
from app.bench.suite import NAMES, run

__all__ = ["NAMES", "BenchImpossible", "BenchReport", "Result", "run"]
