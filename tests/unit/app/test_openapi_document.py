"""`openapi.json` beside the code is what the code serves, and is valid OpenAPI 3.1."""

import json
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

from app.describe import describe_api
from app.settings import BerthSettings
from kernel.clock import SystemClock

COMMITTED = Path(__file__).resolve().parents[3] / "openapi.json"


def test_the_committed_document_is_what_the_operations_say() -> None:
    described = json.loads(json.dumps(describe_api(BerthSettings(), SystemClock())))
    assert json.loads(COMMITTED.read_text()) == described, "run `make openapi` and look at the difference"


def test_the_document_is_valid_openapi_3_1() -> None:
    document = json.loads(COMMITTED.read_text())
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()
