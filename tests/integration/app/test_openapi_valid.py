"""`openapi.json` is valid OpenAPI 3.1; the validator takes seconds, so it is not among the quick tests."""

import json
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

COMMITTED = Path(__file__).resolve().parents[3] / "openapi.json"


def test_the_document_is_valid_openapi_3_1() -> None:
    document = json.loads(COMMITTED.read_text())
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()
