"""How many random fees a second one core prices, beside a rater that steps through each stay minute by minute; and how
long a vehicle that leaves first waits for its barrier (`app.bench.exits`).

Stays are as long as in a city: half of them under two hours, one in fifty over a day. Tariffs are of kinds that are in
use: a first hour and a daily cap, day and night with a cap by day, tiers that count complete units, airport caps that
rise. A fee is all that a driver is told: total, lines, and when it next rises. Both raters price the same stays; their
totals must agree, or nothing is reported.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from app.bench.exits import EXITS_S, SECONDS, exit_to_order_ms
from app.bench.naive_rater import NaiveRater
from app.bench.report import BenchImpossible, BenchReport, Result, percentiles, spread
from app.bench.rig import standing_rig
from billing.tariffs.calendar import public_calendar
from billing.tariffs.rate import rate
from billing.tariffs.tariff import TariffVersion, read_tariff
from kernel.clock import Clock

FEES = 20_000
NAIVE_FEES = 400
_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
_DAYS = 300
_STAY_MIN_MAX = 7 * 1440


class Task(NamedTuple):
    """A stay to price."""

    version: TariffVersion
    entry: datetime
    minutes: int


async def measure_billing(clock: Clock, *, runs: int, progress: Callable[[str], None]) -> BenchReport:
    """Metrics `fees_s` beside the naive rater, and `exit_to_order_ms_p99`. Raises BenchImpossible when the two raters
    disagree, or an exit has no order.
    """
    versions = [read_tariff(document) for document in _documents()]
    await asyncio.to_thread(_agree, random_stays(versions, NAIVE_FEES, seed=1))
    ours: list[float] = []
    naive: list[float] = []
    for number in range(1, runs + 1):
        progress(f"run {number} of {runs}: {FEES:,} fees")
        stays = random_stays(versions, FEES, seed=number)
        ours.append(await asyncio.to_thread(_fees_s, stays))
        naive.append(await asyncio.to_thread(_naive_fees_s, stays[:NAIVE_FEES]))
    progress(f"{EXITS_S} exits/s for {SECONDS} s with the payment channel down")
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as name:
        async with standing_rig(clock, Path(name)) as rig:
            waits_ms = await exit_to_order_ms(rig, _documents()[0])
    baseline = spread("naive_fees_s", naive, "fees/s")
    against = Result("", baseline[0].value, "", "naive rater, minute by minute")
    return BenchReport(
        "billing",
        [
            *spread("fees_s", ours, "fees/s", baseline=against),
            *baseline,
            *percentiles("exit_to_order_ms", waits_ms),
        ],
        notes=[
            f"median of {runs} runs of {FEES:,} fees on one core, CPU time; {len(versions)} tariffs; total, lines and"
            f" next rise of each; the naive rater gives totals only, over {NAIVE_FEES} of the same stays;"
            f" exit to order: {EXITS_S} exits/s for {SECONDS} s, MQTT in and out"
        ],
    )


def random_stays(versions: Sequence[TariffVersion], count: int, *, seed: int) -> list[Task]:
    """Stays with a median of 100 minutes, of whole minutes, over most of a year."""
    chance = random.Random(seed)  # noqa: S311 - a bench, not a secret
    stays = []
    for _ in range(count):
        entry = _BEGINS + timedelta(minutes=chance.randrange(_DAYS * 1440))
        minutes = min(_STAY_MIN_MAX, 1 + int(chance.lognormvariate(4.6, 1.3)))
        stays.append(Task(chance.choice(versions), entry, minutes))
    return stays


def _fees_s(stays: Sequence[Task]) -> float:
    calendar = public_calendar()
    begun = time.process_time()
    for version, entry, minutes in stays:
        rate(version, entry, entry + timedelta(minutes=minutes), calendar=calendar)
    return len(stays) / (time.process_time() - begun)


def _naive_fees_s(stays: Sequence[Task]) -> float:
    raters = {id(stay.version): NaiveRater(stay.version, public_calendar()) for stay in stays}
    begun = time.process_time()
    for version, entry, minutes in stays:
        raters[id(version)].fee(entry, minutes)
    return len(stays) / (time.process_time() - begun)


def _agree(stays: Sequence[Task]) -> None:
    calendar = public_calendar()
    for version, entry, minutes in stays:
        fee = rate(version, entry, entry + timedelta(minutes=minutes), calendar=calendar).total
        slow = NaiveRater(version, calendar).fee(entry, minutes)
        if fee != slow:
            raise BenchImpossible(
                f"{version.name.en}, {minutes} min from {entry.isoformat()}: {fee}, and {slow} minute by minute"
            )


def _documents() -> list[dict[str, Any]]:
    hourly = {"kind": "units", "steps": [
        {"amount": 500, "unit_min": 60, "until_min": 60}, {"amount": 200, "unit_min": 30}]}  # fmt: skip
    tiers = {"kind": "units", "steps": [
        {"amount": 250, "unit_min": 15, "until_min": 60, "rounding": "down"},
        {"amount": 375, "unit_min": 15, "rounding": "down"}]}  # fmt: skip
    half_hours = {"kind": "units", "steps": [{"amount": 150, "unit_min": 30}]}
    airport = {"kind": "units", "steps": [
        {"amount": 200, "unit_min": 30, "until_min": 30}, {"amount": 500, "unit_min": 60}]}  # fmt: skip
    night = {"kind": "units", "steps": [{"amount": 100, "unit_min": 120, "rounding": "down"}]}
    return [
        _document(
            "first hour, daily cap",
            {
                "charge": hourly,
                "free": {"minutes": 15, "charge_from": "entry"},
                "caps": [{"per": "hours", "hours": 24, "amounts": [4000]}],
            },
        ),
        _document(
            "day and night, flat night, cap by day",
            {
                **_windows(half_hours, {"kind": "flat", "amount": 500}, "split"),
                "caps": [{"per": "day", "amounts": [1500], "windows": ["day"]}],
            },
        ),
        _document("tiers of complete units", {**_windows(tiers, night, "split"), "clock": "window"}),
        _document(
            "airport, rising caps",
            {"charge": airport, "caps": [{"per": "hours", "hours": 24, "amounts": [3000, 4000, 5000]}]},
        ),
        _document("units carried over the boundary", _windows(half_hours, hourly, "carry")),
    ]


def _document(name: str, plan: dict[str, Any]) -> dict[str, Any]:
    return {"name": {"zh": name, "en": name}, "plans": [{"id": "plan", **plan}]}


def _windows(day: dict[str, Any], night: dict[str, Any], boundary: str) -> dict[str, Any]:
    return {
        "windows": [
            {"id": "day", "from_time": "07:00", "until_time": "19:00", "charge": day},
            {"id": "night", "from_time": "19:00", "until_time": "07:00", "charge": night},
        ],
        "boundary": boundary,
    }
