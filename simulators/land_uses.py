"""Who parks where, when and for how long: the demand of every kind of car park in a city like Shenyang. Pure.

The shapes follow what traffic surveys of Chinese cities report in kind (commuters at 8, clinics full by 9, kerbs all
day, residents from 17); the numbers are ours, set so that the usual mix of kinds has 10 to 12 changes a space a day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Stream:
    """One group of visitors of a kind of car park.

    `weekday` and `weekend`: a digit an hour, the arrivals' share of the day. `a_weekday`, `a_weekend`: arrivals per
    space and day. The stay is lognormal: `stay_min` is its median, `spread` its sigma. On `event_chance` of the days
    (weekday, weekend) the stream comes, on the others it does not.
    """

    name: str
    weekday: str
    weekend: str
    a_weekday: float
    a_weekend: float
    stay_min: float
    spread: float
    event_chance: tuple[float, float] | None = None


LAND_USES: Final[Mapping[str, Sequence[Stream]]] = {
    "office": (
        Stream("commuters", "000000149963100000000000", "000000013553210000000000", 0.66, 0.12, 560, 0.14),
        Stream("visitors", "000000003689769987520000", "000000001355654332100000", 3.6, 0.9, 50, 0.75),
    ),
    "residential": (
        Stream("residents", "000000000001122246998531", "000000000012333356887531", 0.60, 0.55, 760, 0.20),
        Stream("errands", "000000134555665568764210", "000000013577777788764210", 3.2, 4.0, 75, 0.9),
        Stream("staying at home", "000000000000000023554310", "000000000000000023554310", 0.12, 0.16, 2000, 0.3),
    ),
    "mall": (
        Stream("shoppers", "000000001358875566897410", "000000001479988899986310", 5.6, 8.2, 85, 0.65),
        Stream("staff", "000000004972100110000000", "000000004972100110000000", 0.12, 0.13, 560, 0.15),
    ),
    "hospital": (
        Stream("patients", "000001489986678754332111", "000001367765567765432111", 10.0, 6.5, 75, 0.6),
        Stream("staff", "000000692000000140000010", "000000582000000130000010", 0.22, 0.14, 560, 0.15),
        Stream("wards", "000000023455556777642100", "000000034677777777642100", 0.12, 0.16, 1400, 0.5),
    ),
    "station": (
        Stream("fetching", "310013688776777777887654", "310013688887777777887654", 16.0, 18.0, 24, 0.55),
        Stream("travellers", "000036997655555554321000", "000036998765555554432100", 0.28, 0.30, 1300, 0.7),
    ),
    "airport": (
        Stream("fetching", "421012566677777777888876", "421012566677777777888876", 11.0, 12.0, 34, 0.5),
        Stream("travellers", "001368877766655544321000", "001368877766655544321000", 0.24, 0.27, 2500, 0.6),
    ),
    "stadium": (
        Stream("sport", "000000123332222335897310", "000000367775555667785210", 2.4, 4.0, 95, 0.4),
        Stream("event", "000000000000000014986100", "000000000000000014986100", 0.85, 0.85, 185, 0.15, (0.2, 0.6)),
    ),
    "school": (
        Stream("staff", "000000399200010000000000", "000000012210000000000000", 0.42, 0.06, 570, 0.12),
        Stream("parents", "000000990000100129610000", "000000003310031222000000", 4.6, 0.8, 16, 0.5),
    ),
    "market": (
        Stream("shoppers", "000014799988655566643200", "000014899999765556643200", 13.0, 15.0, 38, 0.6),
        Stream("traders", "001369530000000000000000", "001369530000000000000000", 0.22, 0.22, 600, 0.2),
    ),
    "hotel": (
        Stream("guests", "000000000000124678875421", "000000000001246788875421", 0.5, 0.55, 800, 0.25),
        Stream("dining", "000000000013741112896310", "000000000014852223896310", 2.8, 3.6, 105, 0.4),
    ),
    "park": (
        Stream("walkers", "000037754433345567765200", "000036799876788765543100", 4.2, 8.5, 95, 0.5),
    ),
    "government": (
        Stream("staff", "000000149500000000000000", "000000012200000000000000", 0.40, 0.04, 560, 0.12),
        Stream("visitors", "000000006987326875200000", "000000001221112110000000", 7.0, 0.3, 45, 0.6),
    ),
    "street": (
        Stream("short stops", "100000136788877777887542", "100000124688988888887643", 15.0, 14.5, 38, 0.85),
        Stream("overnight", "000000000000000000256875", "000000000000000000256875", 0.32, 0.32, 660, 0.2),
    ),
}  # fmt: skip
"""By the car park's kind; no land use in the list is empty."""

OTHER: Final = (
    Stream("visitors", "000001346788877777776420", "000001235788888888776420", 7.0, 7.0, 75, 0.8),
    Stream("long stays", "000000035530000023320000", "000000035530000023320000", 0.2, 0.2, 700, 0.3),
)
"""The demand of a kind of car park that we do not know."""


def streams_of(kind: str) -> Sequence[Stream]:
    """Who comes to a car park of this kind."""
    return LAND_USES.get(kind, OTHER)
