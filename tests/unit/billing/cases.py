"""Reads the tariffs of tests/data/tariffs and prices their cases."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from billing.tariffs.calendar import Calendar
from billing.tariffs.concession import Held
from billing.tariffs.fee import Fee, Vehicle, Visit
from billing.tariffs.rate import rate
from billing.tariffs.tariff import TariffVersion, read_tariff

FOLDER = Path(__file__).resolve().parents[2] / "data" / "tariffs"


def documents() -> dict[str, dict[str, Any]]:
    """Every file by its name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def version_of(document: dict[str, Any], variant: str | None) -> TariffVersion:
    return read_tariff(document.get("variants", {}).get(variant, {}).get("tariff") or document["tariff"])


def fee_of(document: dict[str, Any], case: dict[str, Any]) -> Fee:
    """The fee of one case; its times are wall times of the tariff's zone."""
    version = version_of(document, case.get("variant"))
    variant = document.get("variants", {}).get(case.get("variant"), {})
    zone = ZoneInfo(version.time_zone)
    calendar = None
    if "calendar" in variant:
        days = {date.fromisoformat(day): frozenset(names) for day, names in variant["calendar"].items()}
        calendar = Calendar(holidays=days)
    vehicle = Vehicle(class_=case.get("class", variant.get("class", "small")), new_energy=case.get("new_energy", False))
    return rate(
        version,
        at(case["entry"], zone),
        at(case["exit"], zone),
        vehicle=vehicle,
        calendar=calendar,
        earlier=[Visit(at(one[0], zone), at(one[1], zone), one[2]) for one in case.get("earlier", ())],
        held=[_held(one, zone) for one in case.get("held", ())],
        ticket_lost=case.get("ticket_lost", False),
    )


def at(text: str, zone: ZoneInfo) -> datetime:
    """`2026-03-10T24:00` is the next midnight."""
    if text.endswith("T24:00"):
        day = date.fromisoformat(text[:10])
        return datetime(day.year, day.month, day.day, tzinfo=zone).replace(day=day.day + 1)
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def _held(one: dict[str, Any], zone: ZoneInfo) -> Held:
    return Held(
        concession=one["concession"],
        count=one.get("count", 1),
        minutes=one.get("minutes"),
        amount=one.get("amount"),
        valid_from=at(one["valid_from"], zone) if "valid_from" in one else None,
        valid_until=at(one["valid_until"], zone) if "valid_until" in one else None,
    )
