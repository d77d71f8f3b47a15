"""Why a message, or one event of it, was refused: the same words on `errors`, in the dead letters and in REST."""

from enum import StrEnum

import msgspec
from msgspec import Struct


class Reason(StrEnum):
    """The reasons, which operators' tools may rely on."""

    EMPTY = "empty"
    OVERSIZED = "oversized"
    TOO_MANY_EVENTS = "too_many_events"
    MALFORMED_JSON = "malformed_json"
    MALFORMED_XML = "malformed_xml"
    NOT_UTF8 = "not_utf8"
    WRONG_SHAPE = "wrong_shape"
    MISSING_FIELD = "missing_field"
    INVALID_VALUE = "invalid_value"
    FORBIDDEN_CHARACTER = "forbidden_character"
    NAIVE_TIME = "naive_time"
    INVALID_TIME = "invalid_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    UNKNOWN_STATE = "unknown_state"
    NEGATIVE_NUMBER = "negative_number"
    NO_COUNT = "no_count"
    FREE_OVER_CAPACITY = "free_over_capacity"
    FREE_AND_OCCUPIED_DISAGREE = "free_and_occupied_disagree"
    CAPACITY_IMPLAUSIBLE = "capacity_implausible"
    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_CAR_PARK = "unknown_car_park"
    FOREIGN_CAR_PARK = "foreign_car_park"
    UNKNOWN_SPACE = "unknown_space"
    UNKNOWN_ZONE = "unknown_zone"
    UNKNOWN_LANE = "unknown_lane"
    UNKNOWN_ORDER = "unknown_order"
    FOREIGN_ORDER = "foreign_order"
    UNKNOWN_DEVICE = "unknown_device"
    FOREIGN_DEVICE = "foreign_device"
    UNKNOWN_PROFILE = "unknown_profile"
    INVALID_SETTINGS = "invalid_settings"
    NO_SPACE = "no_space"
    SIMULATED = "simulated"
    WRONG_LENGTH = "wrong_length"
    WRONG_PORT = "wrong_port"
    UNKNOWN_FRAME = "unknown_frame"
    DATABASE_REFUSED = "database_refused"
    HANDLER_FAILED = "handler_failed"


CURABLE = frozenset(
    {
        Reason.UNKNOWN_CAR_PARK,
        Reason.FOREIGN_CAR_PARK,
        Reason.UNKNOWN_SPACE,
        Reason.UNKNOWN_ZONE,
        Reason.UNKNOWN_LANE,
        Reason.FREE_OVER_CAPACITY,
        Reason.FREE_AND_OCCUPIED_DISAGREE,
        Reason.CAPACITY_IMPLAUSIBLE,
        Reason.UNKNOWN_DEVICE,
        Reason.FOREIGN_DEVICE,
        Reason.UNKNOWN_PROFILE,
        Reason.INVALID_SETTINGS,
        Reason.NO_SPACE,
    }
)
"""What a newer copy of the registry may change: before refusing for one of these, the directory is read again."""


OUR_FAULT = frozenset({Reason.DATABASE_REFUSED, Reason.HANDLER_FAILED})
"""What the device could not know: such a message is never forgotten to make room."""


class Reject(Struct, frozen=True, gc=False):
    """One refusal. `index` is the event's place in its message, None for the message as a whole; `raw` its bytes."""

    reason: Reason
    detail: str
    index: int | None = None
    raw: bytes | None = None


_BY_WORDS = (
    ("timezone component", Reason.NAIVE_TIME),
    ("RFC3339", Reason.INVALID_TIME),
    ("`datetime`", Reason.INVALID_TIME),
    ("missing required field", Reason.MISSING_FIELD),
    (">= 0", Reason.NEGATIVE_NUMBER),
)


def explain(error: Exception) -> tuple[Reason, str]:
    """What a decoder's error means to the device's maker: a reason and a sentence."""
    words = str(error)
    match error:
        case msgspec.ValidationError():
            if "Invalid enum value" in words and "$.state" in words:
                return Reason.UNKNOWN_STATE, words
            found = next((reason for part, reason in _BY_WORDS if part in words), Reason.INVALID_VALUE)
            return found, words
        case UnicodeDecodeError():
            return Reason.NOT_UTF8, words
        case RecursionError():
            return Reason.MALFORMED_JSON, "nested too deeply"
        case _:
            return Reason.MALFORMED_JSON, words
