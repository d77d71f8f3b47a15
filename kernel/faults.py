"""What is wrong with a request, one field at a time: the `errors` of a problem. Pure."""

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

Where = Literal["body", "query", "path", "header"]

GOT_CHARACTERS_MAX = 80
"""Enough to recognise one's own input, too little to make an answer out of somebody's megabyte."""


class Fault(TypedDict, total=False):
    """One thing that is wrong with a request: where, which field, what to do about it, what was sent."""

    field: str
    message: str
    got: Any


def fault(where: Where, field: str, message: str, got: object = None) -> Fault:
    """A fault as it is rendered; `got` is shown only when it is a scalar, and then shortened."""
    shown: dict[str, Any] = {"in": where, "field": field, "message": message}
    if isinstance(got, str):
        shown["got"] = got if len(got) <= GOT_CHARACTERS_MAX else got[:GOT_CHARACTERS_MAX] + "…"
    elif isinstance(got, bool) or (isinstance(got, int | float) and abs(got) < 1e300):
        shown["got"] = got if not isinstance(got, int) or abs(got) < 2**53 else str(got)[:GOT_CHARACTERS_MAX]
    return shown  # type: ignore[return-value]  # the key "in" is a keyword, which a TypedDict class cannot spell


def sentence(faults: Sequence[Fault]) -> str:
    """The first fault as a sentence, and how many more there are."""
    first: dict[str, Any] = dict(faults[0])
    place = f"{first['in']} {first['field']}" if first["field"] else str(first["in"])
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{place}: {first['message']}{more}"
