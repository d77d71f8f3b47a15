"""The benches' load must not be kinder than it says: every event a change, newer, of another space."""

from datetime import UTC, datetime
from itertools import islice

import msgspec

from app.bench.load import CAR_PARKS, SPACES, SPACES_EACH, CityLoad
from app.bench.publisher import publish_frame
from contracts.wire import SpaceEvent, SpacesMessage

_START = datetime(2026, 11, 23, tzinfo=UTC)
_Place = tuple[str, str]


def _events(messages: list[tuple[str, bytes]]) -> list[tuple[_Place, SpaceEvent]]:
    decode = msgspec.json.Decoder(SpacesMessage).decode
    return [((topic, event.space), event) for topic, payload in messages for event in decode(payload).events]


def test_no_space_comes_twice_in_one_round_of_the_city() -> None:
    events = _events(list(CityLoad(_START).batches(CAR_PARKS)))
    assert len(events) == SPACES
    assert len({place for place, _ in events}) == SPACES


def test_time_only_goes_forward_and_every_event_is_a_change() -> None:
    load = CityLoad(_START)
    told = [*load.batches(CAR_PARKS), *load.singles(2_000), *load.batches(10)]
    before: dict[_Place, SpaceEvent] = {}
    for place, event in _events(told):
        known = before.get(place)
        assert known is None or (known.at < event.at and known.state != event.state)
        before[place] = event


def test_singles_go_round_the_car_parks() -> None:
    topics = [topic for topic, _ in islice(CityLoad(_START).singles(SPACES_EACH), CAR_PARKS)]
    assert len(set(topics)) == CAR_PARKS


def test_a_publish_is_framed_as_mqtt_says() -> None:
    """MQTT 3.1.1, section 3.3: QoS 1, two bytes of length before the topic, the packet id, the payload."""
    frame = publish_frame("a/b", b"x" * 200, 258)
    assert frame[:3] == b"\x32\xcf\x01"  # 207 = 0x4f | 0x80, 1
    assert frame[3:10] == b"\x00\x03a/b\x01\x02"
    assert frame[10:] == b"x" * 200
