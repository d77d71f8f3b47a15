"""The one place where an `Availability` is made: for MQTT, REST and the live stream alike. Pure.

State in one word: `closed` by the registry or the opening hours; `unknown` when stale, offline, never heard, when more
than `unknown_share_max` of the spaces are not known, or when none is free while more than `1 - known_share_min` are not
known; `full` without a free space; `almost_full` at a share of free spaces, left only at a greater one, so that the
word does not flap.
"""

from datetime import datetime

from contracts.availability import Availability, CarParkState
from contracts.ids import CarParkId
from occupancy.settings import OccupancySettings
from occupancy.standing import Standing


def retell(
    standing: Standing, *, closed: bool, now: datetime, settings: OccupancySettings, before: tuple[object, ...]
) -> Availability | None:
    """What to publish of `standing`, None when nothing changed since `before` and its age was told not long ago.

    Puts the state, the staleness and, when there is something to tell, the next version into `standing`.
    """
    standing.stale = is_stale(standing.as_of, now, settings)
    if standing.stale:
        standing.trend = None
    standing.state = state_word(standing, closed=closed, settings=settings)
    unchanged = standing.told == before and standing.version > 0
    if unchanged and not _age_is_news(standing, settings):
        return None
    standing.version += 1
    standing.told_as_of = standing.as_of
    return availability_of(standing, now)


def _age_is_news(standing: Standing, settings: OccupancySettings) -> bool:
    if standing.as_of is None:
        return False
    return standing.told_as_of is None or standing.as_of - standing.told_as_of >= settings.heartbeat


def is_stale(as_of: datetime | None, now: datetime, settings: OccupancySettings) -> bool:
    """Whether what was known at `as_of` is too old to count on; what was never known is not stale but unknown."""
    return as_of is not None and now - as_of > settings.stale_after


def state_word(standing: Standing, *, closed: bool, settings: OccupancySettings) -> CarParkState:
    """What a driver is told in one word."""
    if closed:
        return CarParkState.CLOSED
    free = standing.free
    if free is None or standing.stale or standing.online is False:
        return CarParkState.UNKNOWN
    bearable = settings.unknown_share_max if free > 0 else 1 - settings.known_share_min
    if standing.unknown > bearable * standing.capacity:
        return CarParkState.UNKNOWN
    if free == 0:
        return CarParkState.FULL
    almost = standing.state in (CarParkState.ALMOST_FULL, CarParkState.FULL)
    share = settings.almost_full_leave_share if almost else settings.almost_full_share
    return CarParkState.ALMOST_FULL if free <= share * standing.capacity else CarParkState.OPEN


def availability_of(standing: Standing, now: datetime) -> Availability:
    """The object as it is told at `now`."""
    age_s = None if standing.as_of is None else max(0, int((now - standing.as_of).total_seconds()))
    return Availability(
        car_park=standing.car_park,
        state=standing.state,
        capacity=standing.capacity,
        out_of_service=standing.out_of_service,
        unknown=standing.unknown,
        never_heard=standing.never_heard,
        occupied=standing.occupied,
        overfull=standing.occupied is not None and standing.occupied > standing.capacity,
        promised=standing.promised,
        free=standing.free,
        as_of=standing.as_of,
        age_s=age_s,
        stale=standing.stale,
        source=standing.source,
        trend=standing.trend,
        online=standing.online,
        version=standing.version,
    )


def never_heard(car_park: CarParkId, *, capacity: int, closed: bool) -> Availability:
    """What is told of a car park that never reported."""
    return Availability(
        car_park=car_park,
        state=CarParkState.CLOSED if closed else CarParkState.UNKNOWN,
        capacity=capacity,
        unknown=capacity,
        never_heard=capacity,
        occupied=None,
        promised=0,
        free=None,
        as_of=None,
        age_s=None,
        stale=False,
        source=None,
        trend=None,
        version=0,
    )
