"""The public score of a car park's data: 100 less what lowers it, each with its reason. Pure.

`RULES` is all of it. A rule has a measure (a share of 0 to 1, or seconds), a part of it that is tolerated, and where
all of its points are lost; in between they are lost in proportion. The measures are of the present hour and the 23
before it, each weighing half as much as one that is `HALF_LIFE_H` younger: what was bad yesterday is forgotten today.
More of anything bad never raises the score: each is compared
with what was good, so that none of it hides another. docs/quality.md tells it to operators, with an example by hand.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from msgspec import Struct

from occupancy.health import HealthHour, added_latencies, latency_s

WINDOW_H: Final = 24
HALF_LIFE_H: Final = 6.0
BEST: Final = 100


class Present(NamedTuple):
    """How it is now: without live data; and how far a counter is believed to be off, as a share of the capacity."""

    dark: bool
    drift: float = 0.0


class Seen(NamedTuple):
    """What is rated: the hours of the window with their weights, and the present."""

    hours: Sequence[tuple[float, HealthHour]]
    present: Present

    def share(self, part: str, *whole: str) -> float:
        """`part` of the sum of `whole`, over the weighed hours; 0 where there is no whole."""
        parts = sum(weight * getattr(hour, part) for weight, hour in self.hours)
        wholes = sum(weight * getattr(hour, name) for weight, hour in self.hours for name in whole)
        return parts / wholes if wholes > 0 else 0.0

    def latency_s(self, share: float) -> float:
        """Within which time this share of the live words came."""
        return latency_s(added_latencies((weight, hour.latencies) for weight, hour in self.hours), share) or 0.0


class Rule(Struct, frozen=True):
    """What may lower the score, by how many points at most, and the sentences about it; `{}` is the measure."""

    code: str
    points: int
    tolerated: float
    all_lost_at: float
    measure: Callable[[Seen], float]
    zh: str
    en: str
    unit: str = "%"

    def lost(self, measured: float) -> float:
        """Points lost at this measure, to a tenth."""
        beyond = (measured - self.tolerated) / (self.all_lost_at - self.tolerated)
        return round(self.points * min(1.0, max(0.0, beyond)), 1)


RULES: Final = (
    # Nobody can be led to a car park that says nothing: alone enough for "do not show".
    Rule("dark_now", 60, 0, 1, lambda seen: float(seen.present.dark),
         "目前没有实时数据", "No live data at the moment", ""),
    # A quarter of an hour a day for maintenance; half of the time away, and the other half is chance.
    Rule("dark", 60, 0.01, 0.5, lambda seen: seen.share("dark", "looks"),
         "{} 的时间没有实时数据", "Without live data for {} of the time"),
    # Each lost word may be a car; sensors on the radio lose one in a thousand.
    Rule("lost", 25, 0.002, 0.05, lambda seen: seen.share("lost", "stored", "lost"),
         "{} 的消息丢失", "{} of the messages were lost"),
    # Lost and not made good: the state may be wrong until the next word.
    Rule("open_gaps", 15, 0.005, 0.2, lambda seen: seen.share("gapped", "sources"),
         "{} 的传感器有未补齐的缺口", "{} of the sensors have gaps that were not made good"),
    # Some are always being mounted or repaired.
    Rule("unknown_spaces", 30, 0.02, 0.3, lambda seen: seen.share("unheard", "capacity"),
         "{} 的车位状态未知", "{} of the spaces are not known"),
    # Batteries die one by one; a quarter silent is a dead radio.
    Rule("silent_spaces", 30, 0.01, 0.25, lambda seen: seen.share("silent", "spaces"),
         "{} 的传感器没有心跳", "{} of the sensors are silent"),
    # A flapping sensor is wrong half of the time.
    Rule("flapping_spaces", 20, 0.005, 0.1, lambda seen: seen.share("flapping", "spaces"),
         "{} 的传感器反复跳变", "{} of the sensors flap"),
    # What is refused says nothing: a wrong label, a wrong clock, a cut frame.
    Rule("rejected", 20, 0.002, 0.1, lambda seen: seen.share("rejected", "stored", "rejected"),
         "{} 的消息被拒绝", "{} of the messages were refused"),
    # More cars than spaces: the counter has drifted.
    Rule("overfull", 15, 0.01, 0.5, lambda seen: seen.share("overfull", "looks"),
         "{} 的时间计数超过总车位", "More cars than spaces counted for {} of the time"),
    # Found in the quiet hours and proposed to the operator, who has not corrected it yet.
    Rule("drift", 15, 0.01, 0.2, lambda seen: seen.present.drift,
         "计数偏差约为总车位的 {}", "The count is off by about {} of the spaces"),
    # At ten seconds a driver notices nothing; at two minutes the space is gone.
    Rule("latency", 15, 10, 120, lambda seen: seen.latency_s(0.95),
         "二十分之一的消息延迟超过 {}", "One message in twenty takes longer than {}", "s"),
    # The time of what happened is lost, not the state.
    Rule("clock_ahead", 10, 0.01, 0.5, lambda seen: seen.share("clock_ahead", "stored", "clock_ahead"),
         "{} 的消息时钟超前", "{} of the messages come from a clock that runs ahead"),
    # Overtaken by newer ones: harmless for the state, and a sign of a bad line.
    Rule("late", 10, 0.05, 0.5, lambda seen: seen.share("late", "stored", "late"),
         "{} 的消息迟到", "{} of the messages came after newer ones"),
    # Harmless, too, and a snapshot that we asked for repeats a lot.
    Rule("duplicate", 5, 0.3, 0.9, lambda seen: seen.share("duplicate", "stored", "duplicate"),
         "{} 的消息重复", "{} of the messages were repeats"),
)  # fmt: skip
"""What lowers the score, in the order of the answers where they cost the same."""

BY_CODE: Final = {rule.code: rule for rule in RULES}


class Reason(Struct, frozen=True):
    """One of the reasons: `points` lost by it, and the measure, a share or seconds."""

    code: str
    points: float
    measure: float

    def said(self) -> tuple[str, str]:
        """The sentences in Chinese and English."""
        rule = BY_CODE[self.code]
        if rule.unit == "%":
            percent = 100 * self.measure
            measure = f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %"
        else:
            measure = f"{self.measure:.0f} {rule.unit}"
        return rule.zh.format(measure.replace(" %", "%").replace(" s", " 秒")), rule.en.format(measure)


class Quality(Struct, frozen=True):
    """`score` is 100 less the points of `reasons`, which come dearest first; not below 0."""

    score: int
    reasons: Sequence[Reason]


def weight_of(hour: datetime, now: datetime) -> float:
    """How much an hour weighs: 1 the present one, half of it six hours ago, nothing a day ago."""
    age_h = (now.replace(minute=0, second=0, microsecond=0) - hour) // timedelta(hours=1)
    return 0.5 ** (age_h / HALF_LIFE_H) if 0 <= age_h < WINDOW_H else 0.0


def rate(hours: Sequence[HealthHour], now: datetime, present: Present) -> Quality:
    """The score of a car park that was heard of at least once."""
    seen = Seen([(weight, hour) for hour in hours if (weight := weight_of(hour.hour, now)) > 0], present)
    found = [Reason(rule.code, rule.lost(measured), measured) for rule in RULES if (measured := rule.measure(seen)) > 0]
    reasons = sorted((reason for reason in found if reason.points > 0), key=lambda reason: -reason.points)
    return Quality(max(0, round(BEST - sum(reason.points for reason in reasons))), reasons)
