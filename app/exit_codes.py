"""What the exit codes of `berth` mean: a promise to whoever scripts it."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILED = 1  # the work itself failed; standard error says why
    USAGE = 2  # arguments or settings are wrong; nothing was done
    RUNNING_ALREADY = 3  # another `berth up` owns this data directory
    PORT_TAKEN = 4  # the asked port is in use
    SCHEMA_MISMATCH = 5  # the database's schema is not the one this version was written for
    UNREACHABLE = 6  # database or broker cannot be reached, or an embedded one does not start


MEANINGS = """Exit codes: 0 done · 1 failed · 2 wrong arguments or settings · 3 already running on this data directory
· 4 port taken · 5 database schema of another version · 6 database or broker not reachable."""


class CommandFailed(Exception):
    """A command ends with `code`; the message says why and what to do."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
