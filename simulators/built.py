"""The car parks of an inventory, with what stands in them: lanes, counters, sensors, and cameras where there are."""

from collections.abc import Sequence
from datetime import datetime

from simulators.cameras import CameraPlan, blind, cameras_of, sharp
from simulators.car_park import CarPark
from simulators.layout import layout_of
from simulators.operator_api import CarParkHeld


def built(
    held: Sequence[CarParkHeld], plan: CameraPlan | None, *, seed: int, started: datetime
) -> tuple[list[CarPark], list[int]]:
    """All of them, in their order, and the numbers of those that count at lanes whose cameras read plates.

    `plan` None: every lane reads every plate, and nobody is asked for it.
    """
    layouts = [layout_of(each) for each in held]
    counted = {each.id: layout.slots for each, layout in zip(held, layouts, strict=True) if layout.entries}
    reads = {} if plan is None else cameras_of(plan, seed, counted)
    car_parks = [
        CarPark(each.operator, each.id, layout, started=started, read=reads.get(each.id, sharp))
        for each, layout in zip(held, layouts, strict=True)
    ]
    return car_parks, [number for number, each in enumerate(held) if reads.get(each.id, blind) is not blind]
