"""What the simulated car parks charge. A city that lives sixty times as fast bills a minute as an hour. Pure."""

from typing import Any, Final

BEGAN: Final = "2026-01-01T00:00:00+08:00"
"""Before anything that is simulated now."""
_HOUR_MIN: Final = 60.0


def tariff_of(car_park: str, speed: float) -> dict[str, Any]:
    """Four to eight yuan for the first hour of the city's time, half of it for each later one."""
    hour_min = max(1, round(_HOUR_MIN / speed))
    first = 400 + sum(car_park.encode()) % 5 * 100
    steps = [
        {"amount": first, "unit_min": hour_min, "until_min": hour_min},
        {"amount": first // 2, "unit_min": hour_min},
    ]
    named = "一小时" if hour_min == _HOUR_MIN else f"{hour_min}分钟"
    minutes = "an hour" if hour_min == _HOUR_MIN else f"{hour_min} min"
    return {
        "name": {
            "zh": f"首{named}{first // 100}元",
            "en": f"{first / 100:g} yuan for the first {minutes}",
        },
        "source": "berth simulate",
        "count": "seconds",
        "plans": [{"id": "all", "charge": {"kind": "units", "steps": steps}}],
    }
