"""An offer comes back as it went out; the box around a place leaves nothing out that is near enough."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.near import distance_m
from reservation.find_offers import around
from reservation.offer import OFFER_CHARACTERS_MAX, Offer, good_until, offer_of
from reservation.policy import Terms
from reservation.signing import NotOurs, SigningKey

moments = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))
slugs = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=64)
labels = st.text(min_size=1, max_size=32).filter(lambda text: not set(text) & set("/+#") and text.isprintable())
terms = st.builds(
    Terms, **{name: st.integers(0, 2_592_000) for name in Terms.__struct_fields__ if name != "owner_share_bp"}
)
offers = st.builds(
    Offer,
    slugs,
    st.none() | labels,
    st.none() | st.from_regex(r"lst_[0-9a-f]{32}", fullmatch=True),
    moments,
    moments,
    moments,
    st.integers(0, 10**9),
    terms,
)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    folder: Path = tmp_path_factory.mktemp("key")
    return SigningKey(folder / "promises.json")


@given(offer=offers)
def test_an_offer_comes_back_as_it_went_out(key: SigningKey, offer: Offer) -> None:
    token = offer.token(key)
    assert offer_of(token, key) == offer
    assert len(token) <= OFFER_CHARACTERS_MAX


@given(payload=st.binary(min_size=1, max_size=300))
def test_what_is_sealed_and_no_offer_is_refused(key: SigningKey, payload: bytes) -> None:
    with pytest.raises(NotOurs):
        offer_of(key.seal("offer", payload), key)


@given(
    lat=st.floats(-90, 90),
    lon=st.floats(-180, 180),
    radius_m=st.floats(1, 100_000),
    there=st.tuples(st.floats(-1.2, 1.2), st.floats(-1.2, 1.2)),
)
def test_the_box_holds_whatever_is_near_enough(
    lat: float, lon: float, radius_m: float, there: tuple[float, float]
) -> None:
    south, north, west, east = around((lat, lon), radius_m)
    # Mostly near the edge of the circle, where a box could be too small.
    degrees = radius_m / 111_195
    other = max(-90.0, min(90.0, lat + there[0] * degrees)), lon + there[1] * degrees / max(0.02, abs(_cosine(lat)))
    other = other[0], (other[1] + 180) % 360 - 180
    if distance_m((lat, lon), other) <= radius_m:
        assert south <= other[0] <= north and west <= other[1] <= east


@given(now=moments, offer_s=st.integers(10, 3600), notice_s=st.integers(0, 86_400), ahead_s=st.integers(-300, 200_000))
def test_an_offer_ends_before_its_window_can_no_longer_be_booked(
    now: datetime, offer_s: int, notice_s: int, ahead_s: int
) -> None:
    begins, notice, late = now + timedelta(seconds=ahead_s), timedelta(seconds=notice_s), timedelta(minutes=5)
    ends = good_until(now, begins, offer=timedelta(seconds=offer_s), notice=notice, late=late)
    assert ends - now <= timedelta(seconds=offer_s)
    assert ends + notice <= begins if notice else ends <= begins + late


def _cosine(lat: float) -> float:
    """Of the latitude: how much shorter a degree of longitude is there."""
    return distance_m((lat, 0), (lat, 0.1)) / distance_m((0, 0), (0, 0.1))
