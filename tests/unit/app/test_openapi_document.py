"""`openapi.json` beside the code is what the code serves."""

import json
from pathlib import Path

from app.describe import describe_api
from app.settings import BerthSettings
from kernel.clock import SystemClock

COMMITTED = Path(__file__).resolve().parents[3] / "openapi.json"


def test_the_committed_document_is_what_the_operations_say() -> None:
    described = json.loads(json.dumps(describe_api(BerthSettings(), SystemClock())))
    assert json.loads(COMMITTED.read_text()) == described, "run `make openapi` and look at the difference"
