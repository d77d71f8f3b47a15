"""The schemas of every parameter, body and answer, from pydantic, under names that read well."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import TypeAdapter

from kernel.operations import Mounted

Schema = dict[str, Any]
Key = tuple[str, Literal["validation", "serialization"]]

_REFERENCE = "#/components/schemas/"


def schemas_of(mounted: Sequence[Mounted]) -> tuple[dict[Key, Schema], Schema]:
    """The schema of every parameter, body and answer, and the components that they share."""
    inputs: list[tuple[str, Literal["validation", "serialization"], TypeAdapter[Any]]] = []
    for one in mounted:
        inputs += [(f"{one.id} {each.where} {each.wire}", "validation", each.described) for each in one.plan.parameters]
        if one.plan.body is not None:
            inputs.append((f"{one.id} body", "validation", one.plan.body.adapter))
        for status, kind in one.operation.responses.items():
            if kind is not None and not isinstance(kind, str):
                inputs.append((f"{one.id} {status}", "serialization", TypeAdapter(kind)))
    if not inputs:
        return {}, {}
    by_key, shared = TypeAdapter.json_schemas(inputs, by_alias=True, ref_template=f"{_REFERENCE}{{model}}")
    definitions = shared.get("$defs", {})
    names = _names(definitions)
    renamed = {key: _with_names(schema, names) for key, schema in by_key.items()}
    return renamed, {names.get(name, name): _with_names(schema, names) for name, schema in definitions.items()}


def _names(definitions: Schema) -> dict[str, str]:
    """Better names than pydantic's: `PageOfCard` for `Page_Card_`, `RegistrySpaceView` for one of two SpaceViews."""
    names: dict[str, str] = {}
    for name in definitions:
        parts = name.split("__")
        if len(parts) > 1 and parts[-1].isidentifier():
            names[name] = parts[0].title() + parts[-1]
    for name, schema in definitions.items():
        if str(schema.get("title", "")).startswith("PageOf"):
            inside = str(schema["properties"]["items"].get("items", {}).get("$ref", "")).removeprefix(_REFERENCE)
            names[name] = f"PageOf{names.get(inside, inside)}" if inside else name
    taken = Counter([*definitions, *names.values()])
    return {name: wanted for name, wanted in names.items() if taken[wanted] == 1}


def _with_names(schema: Any, names: dict[str, str]) -> Any:
    match schema:
        case {"$ref": str(reference), **beside}:
            name = reference.removeprefix(_REFERENCE)
            return {"$ref": _REFERENCE + names.get(name, name), **_with_names(beside, names)}
        case dict():
            return {key: _with_names(inner, names) for key, inner in schema.items()}
        case list():
            return [_with_names(inner, names) for inner in schema]
        case _:
            return schema
