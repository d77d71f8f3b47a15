"""How scalars are spelled where everything is text: paths, queries and headers.

The way JSON spells them, so that a value means the same wherever it stands: no `1_000`, no `yes`, no epoch seconds, no
`nan`. The operation's own types are kept; only their way of reading text is replaced.
"""

import re
import types
from datetime import datetime
from typing import Annotated, Any, NewType, Union, get_args, get_origin

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, PydanticUserError, TypeAdapter
from pydantic_core import PydanticCustomError

from kernel.json_body import INTEGER_MAX
from kernel.moments import Moment

_WHOLE = re.compile(r"-?\d{1,16}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,32}(\.\d{1,32})?([eE][+-]?\d{1,3})?", re.ASCII)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        if _WHOLE.fullmatch(value) is None or abs(int(value)) > INTEGER_MAX:
            raise PydanticCustomError("whole_number", "must be a whole number")
        return int(value)
    return value


def _number(value: Any) -> Any:
    if isinstance(value, str) and _NUMBER.fullmatch(value) is None:
        raise PydanticCustomError("number", "must be a number")
    return value


def _truth(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise PydanticCustomError("truth", "must be true or false")
        return value == "true"
    return value


_FROM_TEXT: dict[Any, Any] = {
    int: Annotated[int, BeforeValidator(_whole)],
    float: Annotated[float, BeforeValidator(_number)],
    bool: Annotated[bool, BeforeValidator(_truth)],
    datetime: Moment,
    AwareDatetime: Moment,
}


_MOMENTS: dict[Any, Any] = {datetime: Moment, AwareDatetime: Moment}


def adapter_of(annotation: Any) -> TypeAdapter[Any]:
    """The adapter of a parameter's type, for which NaN and infinity are no numbers."""
    try:
        return TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False))
    except PydanticUserError:  # a type with a configuration of its own
        return TypeAdapter(annotation)


def from_text(annotation: Any) -> Any:
    """The same type, reading its scalars from text."""
    return _with(annotation, _FROM_TEXT)


def as_described(annotation: Any) -> Any:
    """The same type for the API description; None, which only says that nothing was given, is left out."""
    choices = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()
    if type(None) in choices:
        annotation = Union[tuple(choice for choice in choices if choice is not type(None))]  # noqa: UP007  # run time
    elif get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return Annotated[(as_described(inner), *marks)] if inner is not AwareDatetime else annotation
    return _with(annotation, _MOMENTS)


def without_marks(annotation: Any, kind: type) -> Any:
    """The same type without the marks of `kind`."""
    if get_origin(annotation) is not Annotated:
        return annotation
    inner, *marks = get_args(annotation)
    kept = [mark for mark in marks if not isinstance(mark, kind)]
    return Annotated[(inner, *kept)] if kept else inner


def _with(annotation: Any, replaced: dict[Any, Any]) -> Any:
    """The same type with its scalars `replaced`, wherever they stand in it."""
    origin = get_origin(annotation)
    if isinstance(annotation, NewType):
        return _with(annotation.__supertype__, replaced)
    if origin is None:
        return replaced.get(annotation, annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        # An annotated AwareDatetime is a Moment, which brings validators of its own: it stays as it is.
        return Annotated[(inner if inner is AwareDatetime else _with(inner, replaced), *marks)]
    if origin in (Union, types.UnionType):
        return Union[tuple(_with(choice, replaced) for choice in get_args(annotation))]  # noqa: UP007  # run time
    if origin in (list, set, frozenset):
        return origin[_with(get_args(annotation)[0], replaced)]
    return annotation
