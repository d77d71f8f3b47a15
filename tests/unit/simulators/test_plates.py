"""Plates are such as the contract describes."""

import re
from collections import Counter

from simulators.plates import plate_of

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
BLUE = re.compile(f"^[{PROVINCES}][A-HJ-Z][A-HJ-NP-Z0-9]{{5}}$")
NEW_ENERGY = re.compile(f"^[{PROVINCES}][A-HJ-Z](?:[A-HJK][A-HJ-NP-Z0-9][0-9]{{4}}|[0-9]{{5}}[A-HJK])$")


def test_every_plate_is_well_formed_and_new_energy_has_eight_characters() -> None:
    for vehicle in range(20_000):
        plate = plate_of(vehicle)
        if plate is not None:
            pattern = NEW_ENERGY if plate.color == "green" else BLUE
            assert pattern.match(plate.plate), plate


def test_two_vehicles_of_a_day_do_not_share_a_plate() -> None:
    plates = [plate.plate for vehicle in range(500_000, 600_000) if (plate := plate_of(vehicle)) is not None]
    assert len(set(plates)) == len(plates)


def test_the_mix_is_that_of_the_city() -> None:
    plates = [plate_of(vehicle) for vehicle in range(50_000)]
    colors = Counter(None if plate is None else plate.color for plate in plates)
    home = sum(plate is not None and plate.plate.startswith("辽A") for plate in plates)
    assert 0.16 < colors["green"] / 50_000 < 0.20
    assert 0 < colors[None] / 50_000 < 0.006
    assert 0 < colors["yellow"] / 50_000 < 0.02
    assert 0.84 < home / 50_000 < 0.92
