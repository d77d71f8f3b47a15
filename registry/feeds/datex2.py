"""DATEX II v2 parking: facility tables and their status (the older extension), parking records and theirs (v2.3).

Elements are found by their local names: publishers differ in namespaces and in how they wrap the payload.
"""

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from registry.feeds.records import Refused, Row

FACILITY_NAMES = {
    "uid": "id",
    "lat": "latitude",
    "lon": "longitude",
    "capacity": "totalParkingCapacity",
    "opening_hours": "openingTimes",
    "height_cm": "vehicleHeight",
}
STATUS_NAMES = {
    "uid": "parkingFacilityReference",
    "free": "totalNumberOfVacantParkingSpaces",
    "occupied": "totalNumberOfOccupiedParkingSpaces",
    "at": "parkingFacilityStatusTime",
}
RECORD_NAMES = {**FACILITY_NAMES, "capacity": "parkingNumberOfSpaces"}
RECORD_STATUS_NAMES = {
    "uid": "parkingRecordReference",
    "free": "parkingNumberOfVacantSpaces",
    "occupied": "parkingNumberOfOccupiedSpaces",
    "at": "parkingStatusOriginTime",
}
_DAYS = {"monday": "Mo", "tuesday": "Tu", "wednesday": "We", "thursday": "Th", "friday": "Fr", "saturday": "Sa"} | {
    "sunday": "Su"
}
_PERIODS_MAX = 100


def operator_of(root: Element) -> str | None:
    """Who publishes: `DE-MDM-Stadt Stuttgart`."""
    return _said(root, "nationalIdentifier")


def datex2_rows(root: Element) -> Iterator[Row | Refused]:
    """A row for every facility, record and status, in the order of the document.

    Records inside a record are not looked for: real ones have none, and each element is read once.
    """
    index = 0
    waiting = [root]
    while waiting:
        element = waiting.pop()
        row = _row(index, element)
        if row is None:
            waiting.extend(reversed(element))
        else:
            yield row
            index += 1


def _row(index: int, element: Element) -> Row | None:
    match _local(element):
        case "parkingFacility" if element.get("id") is not None:
            return _facility(index, element)
        case "parkingRecord" if element.get("id") is not None:
            return _record(index, element)
        case "parkingFacilityStatus" if _child(element, "parkingFacilityReference") is not None:
            return _facility_status(index, element)
        case "parkingRecordStatus":
            return _record_status(index, element)
        case _:
            return None


def _facility(index: int, element: Element) -> Row:
    place = _child(element, "facilityLocation")
    return Row(
        index=index,
        uid=element.get("id"),
        name=_said(_child(element, "parkingFacilityName"), "value"),
        lat=_said(place, "latitude"),
        lon=_said(place, "longitude"),
        capacity=_own(element, "totalParkingCapacity"),
        opening_hours=_hours(_child(element, "openingTimes")),
        height_cm=_height_cm(element),
        is_live=False,
        names=FACILITY_NAMES,
    )


def _record(index: int, element: Element) -> Row:
    place = _child(element, "parkingLocation")
    return Row(
        index=index,
        uid=element.get("id"),
        name=_said(_child(element, "parkingName"), "value"),
        lat=_said(place, "latitude"),
        lon=_said(place, "longitude"),
        capacity=_own(element, "parkingNumberOfSpaces"),
        is_live=False,
        names=RECORD_NAMES,
    )


def _facility_status(index: int, element: Element) -> Row:
    reference = _child(element, "parkingFacilityReference")
    words = {(child.text or "").strip() for child in element if _local(child) == "parkingFacilityStatus"}
    return Row(
        index=index,
        uid=reference.get("id") if reference is not None else None,
        free=_own(element, "totalNumberOfVacantParkingSpaces"),
        occupied=_own(element, "totalNumberOfOccupiedParkingSpaces"),
        live_capacity=_own(element, "totalParkingCapacityOverride"),
        at=_own(element, "parkingFacilityStatusTime"),
        closed=_closed(words),
        is_static=False,
        names=STATUS_NAMES,
    )


def _record_status(index: int, element: Element) -> Row:
    reference = _child(element, "parkingRecordReference")
    occupancy = _child(element, "parkingOccupancy")
    return Row(
        index=index,
        uid=reference.get("id") if reference is not None else None,
        free=_said(occupancy, "parkingNumberOfVacantSpaces"),
        occupied=_said(occupancy, "parkingNumberOfOccupiedSpaces"),
        live_capacity=_said(occupancy, "parkingNumberOfSpacesOverride"),
        at=_own(element, "parkingStatusOriginTime"),
        closed=_closed({_own(element, "parkingSiteOpeningStatus") or ""}),
        is_static=False,
        names=RECORD_STATUS_NAMES,
    )


def _closed(words: set[str]) -> bool | None:
    if "closed" in words or "closedAbnormal" in words:
        return True
    return False if not words.isdisjoint({"open", "spacesAvailable", "full", "almostFull"}) else None


def _height_cm(element: Element) -> Any:
    """The height limit; DATEX II speaks metres, and of the vehicles that are let in."""
    limit = next((part for part in element.iter() if _local(part) == "heightCharacteristic"), None)
    if limit is None or not (_said(limit, "comparisonOperator") or "").startswith("lessThan"):
        return None
    metres = _said(limit, "vehicleHeight")
    try:
        return None if metres is None else round(float(metres) * 100)
    except (ValueError, OverflowError):
        return metres


def _hours(times: Element | None) -> str | None:
    """Opening times as OSM syntax: periods named after weekdays, whose dates are only examples of that day."""
    if times is None:
        return None
    spans: dict[str, set[tuple[str, str]]] = {}
    for period in [part for part in times.iter() if _local(part) == "period"][:_PERIODS_MAX]:
        day = _DAYS.get((_said(period, "value") or "").lower())
        start, until = _said(period, "startOfPeriod") or "", _said(period, "endOfPeriod") or ""
        if day is None or len(start) < 16 or len(until) < 16:
            return None
        spans.setdefault(day, set()).add((start[11:16], "24:00" if until[11:16] == "23:59" else until[11:16]))
    if len(spans) == 7 and all(span == {("00:00", "24:00")} for span in spans.values()):
        return "24/7"
    days = [day for day in _DAYS.values() if day in spans]
    return "; ".join(f"{day} " + ",".join(f"{a}-{b}" for a, b in sorted(spans[day])) for day in days) or None


def _local(element: Element) -> str:
    """The element's name without its namespace; a comment or instruction has none."""
    tag: object = element.tag
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _local(child) == name), None)


def _own(element: Element, name: str) -> str | None:
    child = _child(element, name)
    return None if child is None else (child.text or "").strip() or None


def _said(element: Element | None, name: str) -> str | None:
    """The text of the first descendant called `name`."""
    if element is None:
        return None
    found = next((part for part in element.iter() if _local(part) == name), None)
    return None if found is None else (found.text or "").strip() or None
