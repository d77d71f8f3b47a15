"""Lists come in pages: `{"items": [...], "next": "<cursor>" | null}`.

A cursor is opaque to the caller and is the sort key of the last item to us, so that a list that grows meanwhile
neither repeats nor skips (keyset pagination). It belongs to the list that was asked for: `kernel.http` says for the
time of a request which one that is (`listing`), every cursor made meanwhile carries its digest, and one that was made
for another path or other filters is refused instead of being answered with a page of something else.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any, Final, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field

from kernel.db import Row
from kernel.edge_problems import InvalidParameter

T = TypeVar("T")
Model = TypeVar("Model")

Limit = Annotated[int, Field(ge=1, le=1000, description="Items on a page.")]
LIMIT_DEFAULT: Final = 100
Cursor = Annotated[str | None, Field(description="The `next` of the page before, with the same filters.")]

CURSOR_CHARACTERS_MAX = 1024
"""A sort key is a few ids and numbers."""

NOT_FILTERS = frozenset({"cursor", "limit", "caller", "request"})
"""Arguments of an operation that leave the list what it is: the next page may be longer or shorter."""

NO_CURSOR = "not a cursor of this list: use the `next` of the page before"
OTHER_FILTERS = "was made for another list: repeat the filters of the request that gave it, or begin without a cursor"

_list: ContextVar[str] = ContextVar("list", default="")


@contextmanager
def listing(path: str, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Bind the cursors made and read inside to the list at `path` with the filters among `arguments`."""
    filters = sorted((name, _said(value)) for name, value in arguments.items() if name not in NOT_FILTERS)
    token = _list.set(hashlib.blake2b(repr((path, filters)).encode(), digest_size=6).hexdigest())
    try:
        yield
    finally:
        _list.reset(token)


def _said(value: Any) -> str:
    """`value` in the same words in every process; what may be given several times may be given in any order."""
    return repr(sorted(map(repr, value)) if isinstance(value, list | tuple | set | frozenset) else value)


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
    """The cursor that stands for the sort key `parts` in the list being answered."""
    return base64.urlsafe_b64encode(orjson.dumps((_list.get(), *parts))).rstrip(b"=").decode()


def decode_cursor(cursor: str, *kinds: type | tuple[type, ...], field: str = "cursor") -> tuple[Any, ...]:
    """The sort key in `cursor`, with one part of each of `kinds`.

    Raises InvalidParameter for anything else, and for a cursor of other filters.
    """
    refusal = InvalidParameter.of("query", field, NO_CURSOR)
    if len(cursor) > CURSOR_CHARACTERS_MAX:
        raise refusal
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = orjson.loads(raw)
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError):
        raise refusal from None
    if not isinstance(parts, list) or not parts or not isinstance(parts[0], str):
        raise refusal
    made_for, *parts = parts
    if made_for != _list.get():
        raise InvalidParameter.of("query", field, OTHER_FILTERS)
    if len(parts) != len(kinds):
        raise refusal
    for part, kind in zip(parts, kinds, strict=True):
        if isinstance(part, bool) or not isinstance(part, kind) or (isinstance(part, str) and "\0" in part):
            raise refusal
        if isinstance(part, int) and not -(2**63) <= part < 2**63:
            raise refusal  # no key of ours: columns hold no more
    return tuple(parts)


def page_by(key: str | Sequence[str], rows: Sequence[Row], limit: int, view: Callable[[Row], Model]) -> Page[Any]:
    """The page of `rows`, of which one more than `limit` was asked for; sorted by the column(s) `key`."""
    shown = rows[:limit]
    names = (key,) if isinstance(key, str) else key
    following = encode_cursor(*(shown[-1][name] for name in names)) if len(rows) > limit else None
    return Page(items=[view(row) for row in shown], next=following)


def below_id(cursor: str | None) -> str | None:
    """The id below which a page of a list goes on that begins with the highest; None: at the top. Raises
    InvalidParameter.
    """
    if cursor is None:
        return None
    last: str = decode_cursor(cursor, str)[0]
    return last


def after_id(cursor: str | None) -> str:
    """The id after which a page of a list sorted by ids starts. Raises InvalidParameter."""
    if cursor is None:
        return ""
    last: str = decode_cursor(cursor, str)[0]
    return last
