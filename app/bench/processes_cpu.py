"""Who burnt the processor: CPU seconds of whole process trees, dead children included."""

import contextlib
from collections.abc import Mapping

import psutil


class CpuMeter:
    """Reads the CPU seconds of named process trees; the difference of two readings is what a window cost."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._roots = {name: psutil.Process(pid) for name, pid in pids.items()}

    def read(self) -> dict[str, float]:
        """CPU seconds so far, by name."""
        return {name: _tree_seconds(root) for name, root in self._roots.items()}


def cores_used(before: Mapping[str, float], after: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Mean number of cores that each tree kept busy between two readings `seconds` apart."""
    return {name: (after[name] - before[name]) / seconds for name in before}


def _tree_seconds(root: psutil.Process) -> float:
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
