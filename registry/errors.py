"""The registry's problems, one class each, and which constraint of its tables speaks which sentence."""

from collections.abc import Mapping
from typing import Final

from contracts import problems
from kernel.problems import Problem

UnknownCarPark = problems.UnknownCarPark
UnknownOperator = problems.UnknownOperator
UnknownZone = problems.UnknownZone
UnknownSpace = problems.UnknownSpace
UnknownLane = problems.UnknownLane
UnknownSign = problems.UnknownSign
UnknownDevice = problems.UnknownDevice


class UndeclaredZone(Problem):
    """A zone is named that the car park does not declare

    `zone` says which; declare it in `zones`, or leave `zones` out and it is made.
    """

    status = 409
    slug = "undeclared-zone"


class DeviceTaken(Problem):
    """Another device is heard under this id

    Networks write the same id in several ways: case does not count, nor do `:`, `-` and `.` in a DevEUI.
    """

    status = 409
    slug = "device-taken"


class UnknownProfile(Problem):
    """No such device profile

    `profile` says which; `GET /v1/operator/device-profiles` lists those that can be decoded.
    """

    status = 409
    slug = "unknown-profile"


class UnknownKey(Problem):
    """No such API key

    The key does not exist, or it belongs to an operator whom these credentials do not cover.
    """

    status = 404
    slug = "unknown-key"


class CapacityExceeded(Problem):
    """The parts are larger than the whole

    `capacity` is the whole car park; `parts` what its zones, its numbered spaces or its reservable share add up to.
    """

    status = 409
    slug = "capacity-exceeded"


class ZoneInUse(Problem):
    """The zone is still in use

    Spaces, lanes or devices name the zone: move or remove them first, or in the same request.
    """

    status = 409
    slug = "zone-in-use"


class UnreadableFeed(Problem):
    """The feed cannot be read

    The body is none of the formats that are known, or is broken as a whole; `reason` says which.
    """

    status = 422
    slug = "unreadable-feed"


class IdNotAllowed(Problem):
    """The id does not have the required form

    Ids are 1 to 64 characters of a-z, 0-9 and -.
    """

    status = 409
    slug = "id-not-allowed"


class OperatorIdReserved(Problem):
    """The operator id is reserved

    `public` and `signs` are levels of the MQTT topics that everyone reads: choose another id.
    """

    status = 409
    slug = "operator-id-reserved"


class AlreadyExists(Problem):
    """It exists already

    Somebody registered the same id or label a moment ago: read it again, then change it.
    """

    status = 409
    slug = "already-exists"


class ValueOutOfRange(Problem):
    """A value is out of range

    The registry's own limits refuse the value, whatever the request was checked for before.
    """

    status = 409
    slug = "value-out-of-range"


REFUSALS: Final[Mapping[str, type[Problem]]] = {
    "operator_key": AlreadyExists,
    "operator_id_slug": IdNotAllowed,
    "operator_id_free": OperatorIdReserved,
    "car_park_key": AlreadyExists,
    "car_park_id_slug": IdNotAllowed,
    "car_park_operator_known": UnknownOperator,
    "car_park_lat_range": ValueOutOfRange,
    "car_park_lon_range": ValueOutOfRange,
    "car_park_heartbeat_range": ValueOutOfRange,
    "car_park_height_positive": ValueOutOfRange,
    "car_park_capacity_range": ValueOutOfRange,
    "car_park_reservable_range": CapacityExceeded,
    "car_park_measured_by_known": ValueOutOfRange,
    "car_park_reason_when_closed": ValueOutOfRange,
    "zone_car_park_known": UnknownCarPark,
    "zone_capacity_range": ValueOutOfRange,
    "zone_key": AlreadyExists,
    "space_number_key": AlreadyExists,
    "space_car_park_known": UnknownCarPark,
    "space_label_key": AlreadyExists,
    "space_zone_known": ZoneInUse,
    "lane_car_park_known": UnknownCarPark,
    "lane_direction_known": ValueOutOfRange,
    "lane_key": AlreadyExists,
    "lane_zone_known": ZoneInUse,
    "sign_key": AlreadyExists,
    "sign_id_slug": IdNotAllowed,
    "sign_operator_known": UnknownOperator,
    "sign_tier_known": ValueOutOfRange,
    "sign_lat_range": ValueOutOfRange,
    "sign_lon_range": ValueOutOfRange,
    "sign_heading_range": ValueOutOfRange,
    "device_key": AlreadyExists,
    "device_heard_as": DeviceTaken,
    "device_operator_known": UnknownOperator,
    "device_car_park_known": UnknownCarPark,
    "device_place_single": ValueOutOfRange,
    "device_space_known": UnknownSpace,
    "device_zone_known": UnknownZone,
    "api_key_key": AlreadyExists,
    "api_key_operator_known": UnknownOperator,
    "api_key_device_known": UnknownDevice,
    "api_key_device_ingests": ValueOutOfRange,
    "audit_key": AlreadyExists,
    "revision_key": AlreadyExists,
    "revision_one_row": ValueOutOfRange,
}
"""What each named constraint of the schema `registry` tells whoever runs into it; a test finds a missing one."""

PART_REFUSALS: Final[Mapping[str, type[Problem]]] = {**REFUSALS, "device_zone_known": ZoneInUse}
"""The same where zones are written: there it is the zone that goes, not the device that comes."""
