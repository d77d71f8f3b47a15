"""The command that runs the very code that is running now."""

import sys


def berth_command() -> list[str]:
    """What to put before `serve gateway`, `up --json` and the like.

    The module and not the installed script: in a checkout without an installation of its own that would be another's.
    """
    return [sys.executable, "-m", "app.cli"]
