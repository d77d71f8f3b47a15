"""No plate, token or password leaves through a log line, whoever wrote it."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from kernel import logs

LogLines = Callable[[], list[dict[str, Any]]]


@pytest.mark.parametrize(
    "plate",
    [
        "辽A12345",
        "辽A·12345",
        "辽AD12345",
        "京A12345D",
        "粤Z1234港",
        "沪B1234学",
        "辽a12345",
        "鲁B F1234警",
        "使123456",
    ],
)
def test_plates_are_hidden_wherever_they_stand(plate: str) -> None:
    assert logs.redacted(f"car {plate}, lane E1") == "car [plate], lane E1"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer abcdefghijk", "Bearer [token]"),
        ("key bk_live_0123456789", "key [key]"),
        ("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2ln", "[token]"),
        ("postgresql://berth:hunter2@db/berth", "postgresql://berth:[password]@db/berth"),
        ("sy-heping-017 free 43 of 420 at 沈阳", "sy-heping-017 free 43 of 420 at 沈阳"),
    ],
)
def test_tokens_and_passwords_are_hidden_and_the_rest_is_not(text: str, shown: str) -> None:
    assert logs.redacted(text) == shown


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[LogLines]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    logs.configure(style="json", role="test")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_nested_values_and_secret_names_are_hidden(log_lines: LogLines) -> None:
    structlog.get_logger("t").info(
        "passage", vehicle={"plate": "辽A12345"}, raw=["辽A12345".encode()], token="abc", count=3
    )
    (line,) = log_lines()
    assert line["vehicle"] == {"plate": "[plate]"}
    assert (line["raw"], line["token"], line["count"], line["role"]) == (["[plate]"], "[secret]", 3, "test")


def test_libraries_and_tracebacks_go_through_the_same_chain(log_lines: LogLines) -> None:
    try:
        raise ValueError("no lane for 辽A12345")
    except ValueError:
        logging.getLogger("some.library").exception("refused %s", "辽A12345")
    (line,) = log_lines()
    assert line["event"] == "refused [plate]"
    assert "no lane for [plate]" in line["exception"]
