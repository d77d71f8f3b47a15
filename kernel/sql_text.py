"""Values as they stand in the text of a statement, for the few that travel without parameters.

Several statements in one round trip cannot have parameters. Whatever comes from outside is written as hexadecimal
digits, in which nothing can be quoted wrongly.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson


def bytes_literal(value: bytes) -> str:
    """A bytea."""
    return f"E'\\\\x{value.hex()}'::bytea"


def text_literal(value: str) -> str:
    """A text, which contains no NUL."""
    digits = value.encode().hex(" ").replace(" ", "\\x")
    return f"E'\\x{digits}'" if digits else "''"


def json_literal(value: Mapping[str, Any]) -> str:
    """A jsonb."""
    return f"{text_literal(orjson.dumps(dict(value)).decode())}::jsonb"


def moment_literal(value: datetime) -> str:
    """A timestamptz; `value` has an offset."""
    return f"'{value.isoformat()}'::timestamptz"
