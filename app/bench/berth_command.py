"""The command that runs this very code: the installed `berth` beside our interpreter, else the module itself."""

import sys
from pathlib import Path


def berth_command() -> list[str]:
    """What to put before `serve gateway`, `up --json` and the like."""
    script = Path(sys.executable).with_name("berth")
    return [str(script)] if script.exists() else [sys.executable, "-m", "app.cli"]
