"""A channel that does not answer is left alone for a while, so that nobody else waits behind those who wait for it.

Ten jobs that each wait ten seconds for a dead machine hold up every other job; after three failures in a row nothing
is sent for two seconds, then four, up to a minute, and what would have been is put off. The first answer ends it.
"""

from typing import Final

FAILURES_MIN: Final = 3
REST_S: Final = 2.0
REST_S_MAX: Final = 60.0


class Patience:
    """With each channel, by name; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._rests_until: dict[str, float] = {}

    def rest_s(self, channel: str, now: float) -> float:
        """Seconds for which nothing is asked of it; 0: ask."""
        return max(0.0, self._rests_until.get(channel, now) - now)

    def answered(self, channel: str) -> None:
        self._failures.pop(channel, None)
        self._rests_until.pop(channel, None)

    def failed(self, channel: str, now: float) -> None:
        """It did not answer. Those that were under way when it was left alone count no more."""
        if self.rest_s(channel, now):
            return
        failures = self._failures.get(channel, 0) + 1
        self._failures[channel] = failures
        if failures >= FAILURES_MIN:
            self._rests_until[channel] = now + min(REST_S_MAX, REST_S * 2 ** min(failures - FAILURES_MIN, 10))
