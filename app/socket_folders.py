"""The short folders in /tmp in which the embedded PostgreSQL servers put their sockets (a socket's path ends at 107
bytes): one for each data folder, only ours. Whoever is killed leaves his; the next one who starts clears it away.
"""

import contextlib
import hashlib
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Final

import psutil

from app.processes import EmbeddedFailed

_PARENT: Final = Path("/tmp")  # noqa: S108 - folders in it are made with 0700 and believed only when they are ours
_OURS: Final = re.compile(rf"berth-{os.geteuid()}-[0-9a-f]{{10}}")
LEFT_AFTER_S: Final = 60.0
"""A server locks its socket within a second; a folder that has been empty for so long waits for none any more."""


def socket_folder(data: Path) -> Path:
    """The folder of the server on `data`, always the same. Raises EmbeddedFailed when that name is somebody else's."""
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:10]
    folder = _PARENT / f"berth-{os.geteuid()}-{digest}"
    if os.path.lexists(folder) and not _is_ours(folder):
        raise EmbeddedFailed(f"{folder} is not ours: remove it and start again")
    return folder


def make_socket_folder(folder: Path) -> None:
    """Make `folder` anew: what lies in it is of a server that has ended. Those that others left behind go too."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    present = folder.stat().st_mtime
    for other in _PARENT.glob(f"berth-{os.geteuid()}-*"):
        if other != folder and _OURS.fullmatch(other.name) and _is_left(other, present):
            shutil.rmtree(other, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        found = folder.lstat()
        return found.st_uid == os.geteuid() and stat.S_ISDIR(found.st_mode)
    return False


def _is_left(folder: Path, present: float) -> bool:
    """Whether its server is gone: none of those that locked a socket in it runs, or nobody came for a minute."""
    if not _is_ours(folder):
        return False
    try:
        locks = [lock.read_text().splitlines() for lock in folder.glob(".s.PGSQL.*.lock")]
        return not any(_runs(lock) for lock in locks) if locks else present - folder.stat().st_mtime > LEFT_AFTER_S
    except (OSError, ValueError, IndexError):  # it is just being written, or going: its own server's business
        return False


def _runs(lock: list[str]) -> bool:
    """Whether the server whose process id begins `lock` is still there, or another one has its id by now."""
    try:
        process = psutil.Process(int(lock[0]))
        return process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
