"""What is far too long is let through without its body."""

from gateway.packets import PACKET_BYTES_MAX, Fed, PacketReader, puback
from tests.property.gateway.test_packets import written


def test_an_overlong_message_is_told_with_its_beginning_and_true_length_and_does_not_stay_in_memory() -> None:
    heard: list[Fed] = []

    def take(fed: Fed) -> bool:
        heard.append(fed)
        return True

    packets = PacketReader(mqtt5=True, on_publish=take, on_puback=lambda *_: None, on_other=lambda *_: None)
    payload = b"x" * (PACKET_BYTES_MAX + 100_000)
    stream = written("a/b", payload, 1, 7, retain=False, mqtt5=True) + written(
        "c", b"next", 1, 8, retain=False, mqtt5=True
    )
    for start in range(0, len(stream), 50_000):
        packets.feed(stream[start : start + 50_000])

    overlong, following = heard
    assert (overlong.topic, overlong.mid, overlong.payload_bytes) == ("a/b", 7, len(payload))
    assert len(overlong.payload) < 200_000
    assert (following.topic, following.payload) == ("c", b"next")


def test_an_acknowledgement_is_four_bytes() -> None:
    assert puback(0x1234) == b"\x40\x02\x12\x34"
