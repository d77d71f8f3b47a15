"""Goodbyes, wills, wills of earlier connections, and what speaks against them."""

from datetime import timedelta

from contracts.availability import CarParkState
from contracts.facts import Facts, StatusSeen
from contracts.ids import SpaceNumber
from occupancy.presence import ANSWERS_WITHIN, believe_notice, last_heard, note_presence
from occupancy.sources import Passages, SpaceSums
from occupancy.standing import Standing
from tests.integration.occupancy.city import HERE, at, space_seen


def standing(**known: object) -> Standing:
    blank: dict[str, object] = {
        "online": None,
        "online_at": None,
        "occupied": 1,
        "source": "spaces",
        "as_of": at(0),
        "sampled_at": at(0),
        "trend": None,
        "told_as_of": None,
    }
    numbers = {"capacity": 2, "out_of_service": 0, "unknown": 0, "promised": 0, "version": 1, "stale": False}
    fixed = {"car_park": HERE, "spaces": SpaceSums(), "passages": Passages(), "state": CarParkState.OPEN}
    return Standing(**{**blank, **numbers, **fixed, **known})  # type: ignore[arg-type]  # by name


def status(online: bool, told: float, received: float | None = None) -> StatusSeen:
    return StatusSeen(HERE, online, None, at(told), at(told if received is None else received))


def note(one: Standing, *statuses: StatusSeen, heard: float | None = None) -> tuple[bool, bool]:
    """Whether it came back, and whether a notice is doubted."""
    found = note_presence({HERE: one}, statuses, {} if heard is None else {HERE: at(heard)})
    return HERE in found.back, HERE in found.doubtful


def test_the_will_of_the_present_connection_is_believed_whatever_was_heard_since() -> None:
    one = standing(as_of=at(3_600))
    note(one, status(True, 1), heard=3_600)
    assert note(one, status(False, 0, received=3_700)) == (False, False)
    assert one.online is False
    assert note(one, heard=3_701) == (True, False)
    assert one.online is True


def test_a_goodbye_that_newer_data_overtook_loses() -> None:
    one = standing(online=True, online_at=at(0), online_said_at=at(0), as_of=at(100))
    assert note(one, status(False, 90, received=101), heard=100) == (False, False)
    assert one.online is True
    note(one, status(False, 110))
    assert one.online is False


def test_the_will_of_an_earlier_connection_is_doubted_until_nobody_answers() -> None:
    one = standing(online=True, online_at=at(500), online_said_at=at(500), as_of=at(510))
    assert note(one, status(False, 0, received=520)) == (False, True)
    believe_notice(one, at(520) + ANSWERS_WITHIN)
    assert one.online is True
    believe_notice(one, at(521) + ANSWERS_WITHIN)
    assert (one.online, one.noticed_at) == (False, None)


def test_a_doubted_will_is_forgotten_when_something_is_heard() -> None:
    one = standing(online=True, online_at=at(500), online_said_at=at(500))
    note(one, status(False, 0, received=520))
    assert note(one, heard=530) == (False, False)
    believe_notice(one, at(530) + ANSWERS_WITHIN)
    assert one.online is True


def test_a_will_written_once_for_all_connections_counts_each_time() -> None:
    one = standing()
    note(one, status(True, 1))
    note(one, status(False, 0, received=100))
    note(one, status(True, 101))
    note(one, status(False, 0, received=200))
    believe_notice(one, at(300))
    assert one.online is False


def test_a_notice_of_a_car_park_that_never_said_online() -> None:
    one = standing(as_of=at(10))
    assert note(one, status(False, 20)) == (False, False)
    assert one.online is False
    other = standing(as_of=at(10))
    assert note(other, status(False, 5, received=20)) == (False, True)


def test_what_is_received_in_one_batch_counts_in_its_order() -> None:
    one = standing(online=True, online_at=at(0), online_said_at=at(0))
    note(one, status(True, 12), status(False, 10, received=10))
    assert one.online is True
    note(one, status(False, 13), heard=12)
    assert one.online is False


def test_the_last_word_that_is_no_status() -> None:
    facts = Facts(spaces=[space_seen(SpaceNumber(1), seconds=5), space_seen(SpaceNumber(2), seconds=7)])
    assert last_heard(facts) == {HERE: at(5) + timedelta(seconds=2)}


def test_a_word_online_while_it_is_online_tells_of_a_new_connection() -> None:
    one = standing()
    assert note_presence({HERE: one}, [status(True, 1)], {}).anew == {}
    assert note_presence({HERE: one}, [status(True, 1, received=50)], {}).anew == {}
    assert note_presence({HERE: one}, [status(True, 60)], {}).anew == {HERE: at(60)}
