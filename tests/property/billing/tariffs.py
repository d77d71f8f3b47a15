"""Random tariffs and stays, as an operator might write them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

UNITS = (15, 20, 30, 60, 120)
TIMES = tuple(f"{hour:02d}:{minute}" for hour in range(24) for minute in ("00", "30"))
ROUNDINGS = ("up", "down", "half", "more_than_half")


@st.composite
def steps(draw: st.DrawFn, *, roundings: tuple[str, ...] = ROUNDINGS) -> list[dict[str, Any]]:
    """One to four steps whose units fit."""
    count = draw(st.integers(1, 4))
    made: list[dict[str, Any]] = []
    begins = 0
    for number in range(count):
        unit = draw(st.sampled_from(UNITS))
        step: dict[str, Any] = {
            "amount": draw(st.integers(0, 20)) * 50,
            "unit_min": unit,
            "rounding": draw(st.sampled_from(roundings)),
        }
        if draw(st.integers(0, 5)) == 0:
            step["counts_after_min"] = draw(st.integers(0, unit - 1))
        if number < count - 1:
            begins += unit * draw(st.integers(1, 4))
            step["until_min"] = begins
        made.append(step)
    return made


@st.composite
def charges(draw: st.DrawFn) -> dict[str, Any]:
    match draw(st.integers(0, 9)):
        case 0:
            return {"kind": "free"}
        case 1:
            return {
                "kind": "flat",
                "amount": draw(st.integers(1, 30)) * 100,
                "once": draw(st.sampled_from(["window", "stay"])),
            }
        case 2:
            lengths = draw(st.lists(st.sampled_from([30, 60, 120]), min_size=1, max_size=4))
            bands, until, total = [], 0, 0
            for length in lengths:
                until += length
                total += draw(st.integers(0, 10)) * 100
                bands.append({"until_min": until, "total": total})
            beyond = {"amount": draw(st.integers(0, 10)) * 100, "unit_min": 60}
            return {"kind": "totals", "bands": bands, "beyond": beyond}
        case _:
            return {"kind": "units", "steps": draw(steps())}


@st.composite
def caps(draw: st.DrawFn, windows: list[str]) -> dict[str, Any]:
    per = draw(st.sampled_from(["day", "week", "hours", "stay", *(["window"] if windows else [])]))
    several = per in {"day", "hours", "week"}
    cap: dict[str, Any] = {
        "per": per,
        "amounts": draw(
            st.lists(st.integers(1, 60).map(lambda yuan: yuan * 100), min_size=1, max_size=3 if several else 1)
        ),
    }
    if several:
        cap["after_last"] = draw(st.sampled_from(["repeat", "no_cap"]))
    if per == "hours":
        cap["hours"] = draw(st.sampled_from([12, 24, 168]))
    only_some = draw(st.booleans())
    if windows and only_some:
        cap["windows"] = draw(st.lists(st.sampled_from(windows), min_size=1, max_size=2, unique=True))
    return cap


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    plan: dict[str, Any] = {"id": "plan", "restart": draw(st.sampled_from(["never", "never", "24h", "day"]))}
    names: list[str] = []
    if draw(st.booleans()):
        plan["charge"] = draw(charges())
    else:
        edges = draw(st.lists(st.sampled_from(TIMES), min_size=2, max_size=4, unique=True))
        days = draw(st.sampled_from([None, ["workday"], ["weekend"], ["holiday", "sat"]]))
        plan["windows"] = []
        for number, (begins, ends) in enumerate(zip(edges, [*edges[1:], edges[0]], strict=True)):
            window: dict[str, Any] = {
                "id": f"w{number}",
                "from_time": begins,
                "until_time": ends,
                "charge": draw(charges()),
            }
            if days is not None and number == 0:
                window["days"] = days
            plan["windows"].append(window)
            names.append(f"w{number}")
        plan["boundary"] = draw(st.sampled_from(["carry", "split", "pause"]))
        plan["clock"] = draw(st.sampled_from(["stay", "window", "time_in_window"]))
    if draw(st.booleans()):
        plan["free"] = {
            "minutes": draw(st.sampled_from([10, 15, 30, 45])),
            "charge_from": draw(st.sampled_from(["entry", "end_of_free"])),
        }
    plan["caps"] = draw(st.lists(caps(names), max_size=2))
    return plan


@st.composite
def rich_plans(draw: st.DrawFn) -> dict[str, Any]:
    """Plans with what the naive rater does not know as well."""
    plan = draw(plans())
    if "free" in plan:
        plan["free"]["repeat"] = draw(st.sampled_from(["entry", "24h", "day", "quota"]))
        if plan["free"]["charge_from"] == "entry":
            plan["free"]["inclusive"] = draw(st.booleans())
        else:
            plan["free"]["counted"] = draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        plan["least_min"] = draw(st.sampled_from([20, 60, 180]))
    if draw(st.integers(0, 3)) == 0:
        plan["max_stay"] = {"minutes": draw(st.sampled_from([60, 300])), "surcharge": draw(st.sampled_from([0, 5000]))}
    if draw(st.integers(0, 3)) == 0:
        plan["day_starts"] = draw(st.sampled_from(["04:00", "06:30"]))
    charged = [plan["charge"]] if "charge" in plan else [window["charge"] for window in plan["windows"]]
    for charge in charged:
        for step in charge.get("steps", ()):
            if draw(st.integers(0, 3)) == 0 and "counts_after_min" not in step:
                step |= {"prorate_min": 1, "fraction": draw(st.sampled_from(["down", "up", "nearest"]))}
    for window in plan.get("windows", ()):
        window["ignore_up_to_min"] = draw(st.sampled_from([0, 0, 0, 10, 45]))
    return plan


@st.composite
def rich_versions(draw: st.DrawFn) -> dict[str, Any]:
    """One to three rich plans of which the cheapest or the first that fits is taken; the last one always fits."""
    made = draw(st.lists(rich_plans(), min_size=1, max_size=3))
    for number, plan in enumerate(made):
        plan["id"] = f"plan{number}"
        if number < len(made) - 1:
            plan["when"] = draw(
                st.sampled_from(
                    [
                        {},
                        {"stay_up_to_min": 240},
                        {"stay_over_min": 120},
                        {"entry_days": ["workday"], "exit_between": [{"from_time": "15:00", "until_time": "19:00"}]},
                        {"exit_days_later_max": 1, "exit_between": [{"from_time": "18:00", "until_time": "06:00"}]},
                    ]
                )
            )
    return {
        "name": {"zh": "随机", "en": "random"},
        "plans": made,
        "choose": draw(st.sampled_from(["first", "cheapest"])),
    }


@st.composite
def versions(draw: st.DrawFn) -> dict[str, Any]:
    return {"name": {"zh": "随机", "en": "random"}, "plans": [draw(plans())]}


entries = st.integers(0, 60 * 24 * 400).map(lambda minute: datetime(2025, 9, 1, tzinfo=UTC) + timedelta(minutes=minute))
lengths = st.one_of(st.integers(0, 300), st.integers(0, 1600), st.integers(0, 6000))
