"""The machine and the code that figures were taken on."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import psutil


def about_machine() -> dict[str, str | int | float]:
    """What the figures depend on."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def about_commit() -> str:
    """The checkout's commit, with `+changes` when files differ from it; "unknown" outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return "unknown"

    def ask(*arguments: str) -> str:
        return subprocess.run([git, "-C", str(root), *arguments], capture_output=True, text=True, check=False).stdout

    found = ask("rev-parse", "HEAD").strip() or "unknown"
    return f"{found}+changes" if ask("status", "--porcelain", "--untracked-files=no").strip() else found


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
