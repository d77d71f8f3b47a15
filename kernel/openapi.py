"""OpenAPI 3.1 from what the operations note and the models say; nothing is written twice."""

from collections.abc import Sequence
from typing import Any

from kernel.http import Mounted


def describe(mounted: Sequence[Mounted], *, version: str) -> dict[str, Any]:
    """The document of `mounted` operations."""
    return {"openapi": "3.1.0", "info": {"title": "Berth", "version": version}, "paths": {}}
