"""Lists come in pages: `{"items": [...], "next": "<cursor>" | null}`.

A cursor is opaque to the caller and is the sort key of the last item to us, so that a list that grows meanwhile
neither repeats nor skips (keyset pagination).
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict

from kernel.edge_problems import InvalidParameter

T = TypeVar("T")

CURSOR_CHARACTERS_MAX = 1024
"""A sort key is a few ids and numbers."""


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` is the cursor of the following page, null on the last."""

    model_config = ConfigDict(frozen=True)

    items: Sequence[T]
    next: str | None = None

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """`PageOfCard` in the API description."""
        return "PageOf" + "".join(getattr(param, "__name__", str(param)) for param in params)


def encode_cursor(*parts: str | int | float | None) -> str:
    """The cursor that stands for the sort key `parts`."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


def decode_cursor(cursor: str, *kinds: type | tuple[type, ...], field: str = "cursor") -> tuple[Any, ...]:
    """The sort key in `cursor`, with one part of each of `kinds`. Raises InvalidParameter for anything else."""
    refusal = InvalidParameter.of("query", field, "not a cursor of this list: use the `next` of the page before")
    if len(cursor) > CURSOR_CHARACTERS_MAX:
        raise refusal
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = orjson.loads(raw)
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError):
        raise refusal from None
    if not isinstance(parts, list) or len(parts) != len(kinds):
        raise refusal
    for part, kind in zip(parts, kinds, strict=True):
        if isinstance(part, bool) or not isinstance(part, kind) or (isinstance(part, str) and "\0" in part):
            raise refusal
    return tuple(parts)
