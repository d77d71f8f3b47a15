"""Which Berth this is: what `/version`, `berth --version` and the API description tell."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent


def about_version() -> dict[str, str]:
    """`version` of the package and `commit` of the checkout it runs from; "unknown" where there is none."""
    try:
        number = version("berth")
    except PackageNotFoundError:
        number = "unknown"
    return {"version": number, "commit": _commit()}


def _commit() -> str:
    if not (_CHECKOUT / ".git").exists():
        return "unknown"
    command = ["git", "-C", str(_CHECKOUT), "rev-parse", "HEAD"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return told.stdout.strip() or "unknown"
