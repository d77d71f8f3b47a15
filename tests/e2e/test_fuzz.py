"""Schemathesis against a running city: whatever is sent, no answer is a defect, and answers are as described."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import StartCity

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.timeout(300)
def test_no_request_makes_the_api_fail(start_city: StartCity, tmp_path: Path) -> None:
    city = start_city("--demo", "--car-parks", "5")
    run = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            f"{city.ready.http}/openapi.json",
            f"--header=Authorization: Bearer {city.ready.tokens['operator']}",
            f"--checks={CHECKS}",
            "--exclude-path=/v1/live",
            "--max-examples=8",
            "--phases=examples,coverage,fuzzing",
            "--seed=608",
            "--request-timeout=15",
            "--no-color",
        ],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "Traceback" not in city.log.read_text()
