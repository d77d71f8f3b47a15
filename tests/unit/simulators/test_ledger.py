"""The publisher's book."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from contracts.wire import SpaceEvent, SpacesMessage
from simulators.ledger import Ledger, Published, read_ledger, space_events

AT = datetime(2026, 11, 23, tzinfo=UTC)
TOPIC = "parking/v1/o/x/spaces"
PAYLOAD = msgspec.json.encode(SpacesMessage([SpaceEvent("1", "free", AT, 1, "b")]))


def test_says_what_was_acknowledged_and_what_was_only_sent(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        first = ledger.sent(TOPIC, PAYLOAD)
        ledger.sent("parking/v1/o/x/status", b"{}")
        ledger.acknowledged(first)
    book = read_ledger(path)
    assert book == [Published(TOPIC, PAYLOAD, True), Published("parking/v1/o/x/status", b"{}", False)]
    assert list(space_events(book)) == [("x", SpaceEvent("1", "free", AT, 1, "b"), True)]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.acknowledged(ledger.sent(TOPIC, PAYLOAD))
    with path.open("ab") as file:
        file.write(b'{"sent":2,"topic":"par')
    assert len(read_ledger(path)) == 1


def test_a_book_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger(path).__exit__(None, None, None)
    with pytest.raises(FileExistsError):
        Ledger(path)
