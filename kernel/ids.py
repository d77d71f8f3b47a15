"""Identifiers that sort by the time they were made: `<prefix>_<uuid7 in 32 hex digits>`.

The one home of random identifiers. UUIDv7 (RFC 9562) keeps B-tree inserts at the right edge of the index.
"""

from datetime import datetime

import uuid_utils


def new_id(prefix: str, now: datetime) -> str:
    """A fresh identifier such as `pas_0199f3c2...`, whose first 48 bits are `now` in milliseconds."""
    milliseconds = int(now.timestamp() * 1000)
    return f"{prefix}_{uuid_utils.uuid7(nanoseconds=milliseconds * 1_000_000).hex}"
