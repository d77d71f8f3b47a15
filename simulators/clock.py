"""What the simulators ask of time; the application hands them its own clock, and tests one that moves when told to."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The kernel's clock, seen from outside: the simulators may not import it."""

    def now(self) -> datetime:
        """The present, with an offset."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...
