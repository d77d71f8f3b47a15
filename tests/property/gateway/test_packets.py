"""A stream of MQTT packets means the same however the network cuts it."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.packets import Fed, MalformedPacket, PacketReader

publishes = st.lists(
    st.tuples(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
        st.binary(max_size=400),
        st.integers(0, 1),
        st.integers(1, 65_535),
        st.booleans(),
    ),
    max_size=8,
)


def written(topic: str, payload: bytes, qos: int, mid: int, *, retain: bool, mqtt5: bool) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + (mid.to_bytes(2, "big") if qos else b"")
    body += (b"\x02\x01\x01" if mqtt5 else b"") + payload  # one property: payload format indicator
    length, size = len(body), b""
    while True:
        length, digit = divmod(length, 128)
        size += bytes([digit | (0x80 if length else 0)])
        if not length:
            break
    return bytes([0x30 | qos << 1 | retain]) + size + body


def reader(heard: list[Fed], *, mqtt5: bool, stop_after: int = 10**9) -> PacketReader:
    def take(fed: Fed) -> bool:
        heard.append(fed)
        return len(heard) % stop_after != 0

    return PacketReader(mqtt5=mqtt5, on_publish=take, on_puback=lambda *_: None, on_other=lambda *_: None)


@given(publishes, st.booleans(), st.data())
def test_messages_come_out_as_they_went_in(
    sent: list[tuple[str, bytes, int, int, bool]], mqtt5: bool, data: st.DataObject
) -> None:
    stream = b"".join(written(*message[:4], retain=message[4], mqtt5=mqtt5) for message in sent)
    heard: list[Fed] = []
    stop_after = data.draw(st.integers(1, 5))
    packets = reader(heard, mqtt5=mqtt5, stop_after=stop_after)
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        more = packets.feed(stream[:size])
        while not more:  # stopped in the middle: the rest waits until it is asked for
            more = packets.feed(b"")
        stream = stream[size:]
    assert [(fed.topic, fed.payload, fed.qos, fed.mid if fed.qos else 0, fed.retain) for fed in heard] == [
        (topic, payload, qos, mid if qos else 0, retain) for topic, payload, qos, mid, retain in sent
    ]


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_packets_or_malformed(stream: bytes, mqtt5: bool) -> None:
    try:
        reader([], mqtt5=mqtt5).feed(stream)
    except MalformedPacket as malformed:
        assert str(malformed)
