"""The wire format as OpenAPI describes a body: one schema a kind, with nothing outside itself."""

from typing import Any

import msgspec

JSON_BODY = "application/json"


def body_of(*kinds: type[msgspec.Struct], example: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI's `content` for a body that msgspec reads as one of `kinds`."""
    schemas = [msgspec.json.schema(kind) for kind in kinds]
    choices = [_inlined(schema, schema.get("$defs", {})) for schema in schemas]
    return {JSON_BODY: {"schema": choices[0] if len(choices) == 1 else {"anyOf": choices}, "example": example}}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """`schema` without references; none of ours refers to itself."""
    match schema:
        case {"$ref": str(reference)}:
            return _inlined(definitions[reference.rsplit("/", 1)[-1]], definitions)
        case dict():
            return {name: _inlined(inner, definitions) for name, inner in schema.items() if name != "$defs"}
        case list():
            return [_inlined(inner, definitions) for inner in schema]
        case _:
            return schema
