"""Demand as numbers: arrival rates over the week, stays, and what is parked at a moment. Pure; arrays throughout.

Vehicles that come at rate a(t) and stay as they please are an M_t/G/infinity queue: the expected number inside at t is
the integral of a(t - u) P(stay > u) du (Eick, Massey, Whitt 1993), and the age of one of them has the density of the
integrand. That gives a plausible city at once, for any hour, without simulating the days before.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.land_uses import Stream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLOT_S: Final = 900
"""Rates change every quarter of an hour."""
DAY_S: Final = 86_400
WEEK_SLOTS: Final = 7 * DAY_S // SLOT_S
_STAY_S_MIN: Final = 90.0
_PROBABILITIES: Final = (np.arange(4000) + 0.5) / 4000
_NORMAL: Final = np.array([NormalDist().inv_cdf(float(p)) for p in _PROBABILITIES])


class Demand:
    """Several streams side by side; times are seconds since Monday 00:00 in the city, rates arrivals per space."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self.mu: Floats = np.log(np.array([60 * stream.stay_min for stream in streams]))
        self.sigma: Floats = np.array([stream.spread for stream in streams])
        self.per_s: Floats = np.array([_week_of(stream) for stream in streams])
        ages = (np.arange(WEEK_SLOTS) + 0.5) * SLOT_S
        self._ages: Floats = ages.astype(np.float64)
        z = (np.log(ages)[None, :] - self.mu[:, None]) / self.sigma[:, None]
        self._still_there: Floats = 1 - np.interp(z, _NORMAL, _PROBABILITIES, left=0.0, right=1.0)

    def rates(self, week_s: float) -> Floats:
        """Arrivals per space and second of every stream, at a moment."""
        found: Floats = self.per_s[:, int(week_s // SLOT_S) % WEEK_SLOTS]
        return found

    def inside(self, week_s: float) -> Floats:
        """Vehicles per space of every stream that are expected to be parked, if there is always room."""
        found: Floats = self._by_age(week_s).sum(axis=1)
        return found

    def stays_s(self, streams: Ints, rng: np.random.Generator) -> Floats:
        """How long new arrivals of these streams will stay."""
        drawn = np.exp(self.mu[streams] + self.sigma[streams] * rng.standard_normal(len(streams)))
        return np.maximum(drawn, _STAY_S_MIN)

    def remaining_s(self, streams: Ints, week_s: float, rng: np.random.Generator) -> Floats:
        """How much longer vehicles of these streams, found parked at a moment, will stay."""
        weights = self._by_age(week_s)
        remaining = np.zeros(len(streams))
        for stream in np.unique(streams):
            mine = np.flatnonzero(streams == stream)
            share = weights[stream] / max(weights[stream].sum(), 1e-12)
            if not share.any():
                share = np.full(WEEK_SLOTS, 1 / WEEK_SLOTS)
            age = rng.choice(self._ages, len(mine), p=share / share.sum()) + rng.uniform(-0.5, 0.5, len(mine)) * SLOT_S
            gone = np.interp((np.log(age) - self.mu[stream]) / self.sigma[stream], _NORMAL, _PROBABILITIES)
            stay_quantile = np.minimum(gone + rng.random(len(mine)) * (1 - gone), _PROBABILITIES[-1])
            stay = np.exp(self.mu[stream] + self.sigma[stream] * np.interp(stay_quantile, _PROBABILITIES, _NORMAL))
            remaining[mine] = np.maximum(stay - age, 0.0) + rng.uniform(0.0, 120.0, len(mine))
        return remaining

    def _by_age(self, week_s: float) -> Floats:
        """Expected vehicles per space of every stream, by how many slots ago they came."""
        slots = (int(week_s // SLOT_S) - np.arange(WEEK_SLOTS)) % WEEK_SLOTS
        found: Floats = self.per_s[:, slots] * self._still_there * SLOT_S
        return found


def _week_of(stream: Stream) -> Floats:
    """Arrivals per space and second over the week, smooth between the middles of the hours."""
    days = [(stream.weekday, stream.a_weekday)] * 5 + [(stream.weekend, stream.a_weekend)] * 2
    hourly = np.concatenate([_day_of(digits, arrivals) for digits, arrivals in days])
    middles = np.arange(-1, len(hourly) + 1) + 0.5
    wrapped = np.concatenate([hourly[-1:], hourly, hourly[:1]])
    smooth: Floats = np.interp((np.arange(WEEK_SLOTS) + 0.5) * SLOT_S / 3600, middles, wrapped)
    return smooth


def _day_of(digits: str, arrivals: float) -> Floats:
    weights = np.array([float(digit) for digit in digits])
    found: Floats = weights / weights.sum() * arrivals / 3600
    return found
