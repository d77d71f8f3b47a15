"""Schemathesis against a running city: whatever is sent, no answer is a defect, and answers are as described."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from kernel.settings import child_environment
from tests.e2e.conftest import StartCity
from tests.e2e.outside import City

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def _reporter(city: City) -> str:
    """A key that may report for every operator, a car park to report of, and a camera that stands there."""
    car_park = city.get("/v1/car-parks?limit=1")["items"][0]["id"]
    camera = {
        "profile": "hikvision-isapi",
        "car_park": car_park,
        "settings": {"lane": "E1", "direction": "entry"},
    }
    city.send("PUT", "/v1/operator/devices/fuzz-camera", camera)
    wanted = json.dumps({"scopes": ["ingest"]}).encode()
    headers = {
        "Authorization": f"Bearer {city.ready.tokens['operator']}",
        "Content-Type": "application/json",
        "Idempotency-Key": "fuzz",
    }
    request = urllib.request.Request(f"{city.ready.http}/v1/operator/keys", wanted, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return f"{json.loads(answer.read())['key']} {car_park} fuzz-camera"


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
            "--exclude-path=/v1/live",  # streams do not end
            "--exclude-path=/v1/reservations/events",
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
        env=child_environment(
            SCHEMATHESIS_HOOKS="tests.e2e.signing_hooks",
            FUZZ_REPORTS=_reporter(city),
            PYTHONPATH=str(Path(__file__).resolve().parents[2]),
        ),
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "Traceback" not in city.log.read_text()
