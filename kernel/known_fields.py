"""Which fields an object in a body may have, and which was probably meant. Pure; asked only when one is wrong."""

import difflib
import types
from collections.abc import Sequence
from typing import Annotated, Any, NewType, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

CLOSE_ENOUGH = 0.6
"""difflib's ratio: `capcity` is meant to be `capacity`, `datum` is not meant to be `lat`."""


def advice_on(annotation: Any, place: Sequence[int | str]) -> str:
    """What to do about the unknown field at `place`, pydantic's `loc`, within a body of type `annotation`."""
    known = _fields(annotation, place[:-1])
    if not known:
        return "is not known here: remove it"
    near = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=CLOSE_ENOUGH)
    return "is not known here: " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")


def _fields(annotation: Any, place: Sequence[int | str]) -> list[str]:
    """The fields of the object at `place`, sorted; none when no object of known fields is there."""
    origin = get_origin(annotation)
    if isinstance(annotation, NewType):
        return _fields(annotation.__supertype__, place)
    if origin is Annotated:
        return _fields(get_args(annotation)[0], place)
    if origin in (Union, types.UnionType):
        return _of_choices(get_args(annotation), place)
    if origin in (list, dict) and place:
        return _fields(get_args(annotation)[-1], place[1:])
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return []
    fields = {_on_the_wire(name, field): field for name, field in annotation.model_fields.items()}
    if not place:
        return sorted(fields)
    field = fields.get(str(place[0]))
    return [] if field is None else _fields(field.annotation, place[1:])


def _of_choices(choices: Sequence[Any], place: Sequence[int | str]) -> list[str]:
    """Of several models pydantic puts the name of the one that it tried into the place."""
    tried = [choice for choice in choices if place and getattr(choice, "__name__", None) == place[0]]
    if tried:
        return _fields(tried[0], place[1:])
    return sorted({name for choice in choices for name in _fields(choice, place)})


def _on_the_wire(name: str, field: FieldInfo) -> str:
    return field.alias or name
