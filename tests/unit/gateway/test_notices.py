"""What one process tells another through the database fits into a notification, and is understood."""

from datetime import UTC, datetime

import msgspec
import pytest

from gateway.dead_letters import DeadLetter
from gateway.notices import NOTICE_BYTES_MAX, NOTICES_MAX, RECORDED, SPOOLED, Heed, notices_of
from gateway.refusals import Reason
from kernel.clock import ManualClock
from kernel.db import Database

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def letter(number: int = 1, *, detail: str = "no such space", operator: str | None = "op") -> DeadLetter:
    return DeadLetter(
        operator=operator,
        car_park="mall-1",
        topic="parking/v1/op/mall-1/spaces",
        reason=Reason.UNKNOWN_SPACE,
        detail=detail,
        payload=b"{}",
        payload_bytes=2,
        sha256="0" * 64,
        message_sha256=f"{number:064}",
        index=number,
        events=1,
        booked=True,
        seen_at=NOW,
    )


@pytest.fixture
def told() -> list[tuple[str, str, bytes]]:
    return []


@pytest.fixture
def heed(told: list[tuple[str, str, bytes]]) -> Heed:
    clock = ManualClock(NOW)
    return Heed(Database("", clock), clock, lambda operator, topic, payload: told.append((operator, topic, payload)))


def test_nothing_refused_is_still_a_notice() -> None:
    assert notices_of([]) == ["[]"]


def test_what_was_refused_is_told_as_the_devices_process_would(heed: Heed, told: list[tuple[str, str, bytes]]) -> None:
    for notice in notices_of([letter(1), letter(2), letter(operator=None)]):
        heed.hear(RECORDED, notice)
    assert [(operator, topic) for operator, topic, _ in told] == [("op", "parking/v1/op/mall-1/errors")] * 2
    assert [msgspec.json.decode(payload)["index"] for _, _, payload in told] == [1, 2]
    assert heed.recorded.is_set()
    assert not heed.spooled.is_set()


def test_many_refusals_are_cut_into_notices_that_fit() -> None:
    letters = [letter(number, detail="辽" * 300) for number in range(100)]
    notices = notices_of(letters)
    assert 1 < len(notices) <= NOTICES_MAX
    assert all(len(notice.encode()) <= NOTICE_BYTES_MAX for notice in notices)
    assert sum(len(msgspec.json.decode(notice)) for notice in notices) <= len(letters)


def test_the_spool_wakes_its_own_loop(heed: Heed, told: list[tuple[str, str, bytes]]) -> None:
    heed.hear(SPOOLED, "")
    assert (heed.spooled.is_set(), heed.recorded.is_set(), told) == (True, False, [])


def test_a_new_connection_may_have_missed_anything(heed: Heed) -> None:
    heed.hear("", "")
    assert heed.spooled.is_set()
    assert heed.recorded.is_set()


@pytest.mark.parametrize("payload", ["", "{", "[1]", '[["op"]]', "null"])
def test_what_is_not_understood_wakes_and_harms_nobody(
    heed: Heed, told: list[tuple[str, str, bytes]], payload: str
) -> None:
    heed.hear(RECORDED, payload)
    assert (heed.recorded.is_set(), told) == (True, [])
