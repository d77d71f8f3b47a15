"""What a webhook is told, how that is signed, and how long it is tried. Pure. See docs/webhooks.md."""

import base64
import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """Steps of promises that an operator may want to hear of; new ones may be added."""

    HELD = "held"
    CONFIRMED = "confirmed"
    EXTENDED = "extended"
    CHECKED_IN = "checked_in"
    OVERSTAYING = "overstaying"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    WAITS_INSIDE = "waits_inside"
    LEFT_AGAIN = "left_again"
    SPACE_SUBSTITUTED = "space_substituted"
    SPACE_TAKEN = "space_taken"
    LOCK_FAILED = "lock_failed"


DELAYS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)
)
"""After each failed attempt but the last: eleven attempts in not quite a day."""
TRIED_FOR: Final = timedelta(days=1)
"""Afterwards it is dead: its receiver has had a night to come back, and its operator a working day to notice."""
QUIET_MAX: Final = timedelta(minutes=30)
"""A receiver that is back is found out after this long."""
FORMER_SECRET_FOR: Final = timedelta(days=1)
"""So long a replaced secret signs beside the new one."""
SHOWN_WITH: Final = "whsec_"


def is_success(status: int) -> bool:
    """Anything of the two hundreds; a redirect is none, as it would lead elsewhere."""
    return 200 <= status < 300


def next_attempt(attempts: int, now: datetime, give_up_at: datetime) -> datetime | None:
    """When to try again after `attempts` have failed; None: never."""
    if attempts > len(DELAYS) or now + DELAYS[attempts - 1] >= give_up_at:
        return None
    return now + DELAYS[attempts - 1]


def quiet_until(failures: int, now: datetime) -> datetime:
    """Nothing is tried at a receiver before, that failed so often in a row: it gets time, and others their turn."""
    return now + min(QUIET_MAX, DELAYS[min(failures, len(DELAYS)) - 1])


def shown(secret: bytes) -> str:
    """A secret as its operator gets it: the form of Standard Webhooks."""
    return SHOWN_WITH + base64.b64encode(secret).decode()


def signed_headers(delivery: str, at: datetime, body: bytes, secrets: list[bytes]) -> dict[str, str]:
    """After Standard Webhooks 1.0: HMAC-SHA256 of `id.timestamp.body`, one signature for each secret that is valid."""
    timestamp = str(int(at.timestamp()))
    said = f"{delivery}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(secret, said, "sha256")).decode() for secret in secrets]
    return {
        "webhook-id": delivery,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
