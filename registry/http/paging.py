"""Pages of lists that are sorted by their ids."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field

from kernel.db import Row
from kernel.http import Page, decode_cursor, encode_cursor

Model = TypeVar("Model")

OPERATE: Final = frozenset({"operate"})
Limit = Annotated[int, Field(ge=1, le=1000, description="Items on a page.")]
Cursor = Annotated[str | None, Field(description="The `next` of the page before.")]
LIMIT_DEFAULT: Final = 100


def after_id(cursor: str | None) -> str:
    """The id after which a page starts. Raises InvalidParameter."""
    if cursor is None:
        return ""
    last: str = decode_cursor(cursor, str)[0]
    return last


def page_by(key: str, rows: Sequence[Row], limit: int, view: Callable[[Row], Model]) -> Page[Any]:
    """The page of `rows`, of which one more than `limit` was asked for; sorted by the column `key`."""
    more = len(rows) > limit
    shown = rows[:limit]
    return Page(items=[view(row) for row in shown], next=encode_cursor(shown[-1][key]) if more else None)
