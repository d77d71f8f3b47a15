"""From a method's signature to the arguments of one call: which parameter comes from where, checked as it comes.

Read once, when an API is mounted (`plan_of`), so that a request only looks up and validates (`Plan.bind`). The rules:
a name in the path template is a path parameter; `caller`, `request`, `signed` and `tx` are handed in; a pydantic model
is the JSON body; `Annotated[T, Header("X-Name")]` is a header; everything else is a query parameter. A trailing
underscore is not part of the name on the wire (`from_` is `from`).
"""

import inspect
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from kernel.edge_problems import InvalidParameter
from kernel.faults import Fault, Where, fault
from kernel.json_body import Body, check_times, faults_of, is_body_type
from kernel.spelling import adapter_of, as_described, from_text, without_marks

HANDED_IN = frozenset({"caller", "request", "signed", "tx"})
LIST_ITEMS_MAX = 200
"""A repeated query parameter, e.g. `?district=a&district=b`; the request line bounds it too."""


@dataclass(frozen=True, slots=True)
class Header:
    """Marks a parameter as the request header `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One path, query or header parameter: its name in Python and on the wire, and its validator."""

    name: str
    wire: str
    where: Where
    adapter: TypeAdapter[Any]
    described: TypeAdapter[Any]
    """The same for the API description: without the null that stands for "not given"."""
    required: bool
    default: Any
    many: bool

    def read(self, given: list[str]) -> Any:
        """The value of what was `given` (at least one). Raises ValidationError, ValueError with a sentence."""
        if any("\0" in text for text in given):
            raise ValueError("may not contain the character U+0000")
        if self.many:
            if len(given) > LIST_ITEMS_MAX:
                raise ValueError(f"may be given at most {LIST_ITEMS_MAX} times")
            return self.adapter.validate_python(given)
        if len(given) > 1:
            raise ValueError("may be given only once")
        return self.adapter.validate_python(given[0])


@dataclass(frozen=True, slots=True)
class Plan:
    """How the arguments of one operation are made from a request."""

    parameters: tuple[Parameter, ...]
    body: Body | None
    handed_in: frozenset[str]

    @property
    def in_pages(self) -> bool:
        """Whether the answer is a list that goes on at a `cursor`."""
        return any(parameter.wire == "cursor" for parameter in self.parameters)

    def bind(self, request: web.Request, *, lenient: bool = False) -> dict[str, Any]:
        """The path, query and header arguments. Raises InvalidParameter naming every parameter at fault.

        `lenient`: query parameters that nobody knows are passed over.
        """
        arguments: dict[str, Any] = {}
        faults: list[Fault] = []
        query = request.query if request.query_string else None
        known = 0
        for parameter in self.parameters:
            given = _given(request, query, parameter)
            if not given:
                if parameter.required:
                    faults.append(fault(parameter.where, parameter.wire, "is required"))
                else:
                    arguments[parameter.name] = parameter.default
                continue
            known += len(given) if parameter.where == "query" else 0
            try:
                arguments[parameter.name] = parameter.read(given)
            except ValidationError as invalid:
                faults += faults_of(invalid, parameter.where, parameter.wire)
            except ValueError as refusal:
                faults.append(fault(parameter.where, parameter.wire, str(refusal)))
        if query is not None and known != len(query) and not lenient:
            faults += self._unknown(query)
        if faults:
            raise InvalidParameter.all(faults)
        return arguments

    def _unknown(self, query: Mapping[str, str]) -> list[Fault]:
        known = sorted(parameter.wire for parameter in self.parameters if parameter.where == "query")
        advice = f"known here: {', '.join(known)}" if known else "no query parameter is known here"
        return [fault("query", name, f"is not known; {advice}") for name in dict.fromkeys(query) if name not in known]


def _given(request: web.Request, query: Any, parameter: Parameter) -> list[str]:
    match parameter.where:
        case "path":
            return [request.match_info[parameter.wire]]
        case "query":
            return [] if query is None else list(query.getall(parameter.wire, ()))
        case _:
            return list(request.headers.getall(parameter.wire, ()))


def plan_of(method: Callable[..., Any], template: str) -> Plan:
    """The plan of `method` mounted at `template`. Raises TypeError when the signature breaks the rules."""
    hints = get_type_hints(method, include_extras=True)
    in_path = set(re.findall(r"{(\w+)[^}]*}", template))
    parameters: list[Parameter] = []
    handed_in: set[str] = set()
    body: Body | None = None
    for name, parameter in inspect.signature(method).parameters.items():
        place = f"{method.__qualname__}({name})"
        if name == "self":
            continue
        if name in HANDED_IN:
            handed_in.add(name)
            continue
        if name not in hints:
            raise TypeError(f"{place} has no type")
        annotation = hints[name]
        if name not in in_path and is_body_type(annotation):
            if body is not None:
                raise TypeError(f"{place}: there is a body already ({body.name})")
            body = Body.of(name, annotation, optional=parameter.default is not inspect.Parameter.empty)
            check_times(body.adapter, place)
            continue
        parameters.append(_parameter(name, annotation, parameter.default, in_path))
    missing = in_path - {parameter.wire for parameter in parameters if parameter.where == "path"}
    if missing:
        raise TypeError(f"{method.__qualname__} has no parameter for {', '.join(sorted(missing))} of {template}")
    return Plan(tuple(parameters), body, frozenset(handed_in))


def _parameter(name: str, annotation: Any, default: Any, in_path: set[str]) -> Parameter:
    header = next((mark for mark in _marks(annotation) if isinstance(mark, Header)), None)
    wire, where = name.rstrip("_"), "query"
    if name in in_path:
        wire, where = name, "path"
    elif header is not None:
        wire, where = header.name, "header"
    required = default is inspect.Parameter.empty
    bare = without_marks(annotation, Header)
    return Parameter(
        name=name,
        wire=wire,
        where=where,  # type: ignore[arg-type]  # one of the three literals above
        adapter=adapter_of(from_text(bare)),
        described=adapter_of(as_described(bare)),
        required=required,
        default=None if required else default,
        many=_is_list(annotation),
    )


def _marks(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_list(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return any(_is_list(choice) for choice in get_args(annotation))
    return get_origin(annotation) in (list, tuple, set, frozenset)
