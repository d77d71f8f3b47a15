"""What a visit is as a session: the columns of its ends, and of a session that begins. Pure."""

from typing import Any, Final, Self

from msgspec import Struct

from billing.pairing import Outcome, Passage, Visit
from billing.session_lifecycle import State
from kernel.db import Row

_STATE: Final = {Outcome.OPEN: State.OPEN, Outcome.PAIRED: State.EXITED, Outcome.ORPHAN: State.ORPHAN_EXIT}


class NewSession(Struct, frozen=True, kw_only=True):
    """`first` is the passage by which it is known."""

    id: str
    car_park: str
    zone: str
    state: State
    first: Passage
    color: str | None
    reason: str | None = None
    entry: Passage | None = None
    exit: Passage | None = None
    supersedes: str | None = None

    @classmethod
    def of(cls, session: str, car_park: str, visit: Visit, *, supersedes: str | None) -> Self:
        """What `visit` is."""
        state = _STATE.get(visit.outcome, State.SUSPECT)
        return cls(
            id=session,
            car_park=car_park,
            zone=visit.zone,
            state=state,
            first=visit.first,
            color=visit.color,
            reason=visit.outcome if state is State.SUSPECT else None,
            entry=visit.entry,
            exit=visit.exit,
            supersedes=supersedes,
        )

    @property
    def columns(self) -> dict[str, Any]:
        """Of its row."""
        entry, left = self.entry, self.exit
        return {
            "id": self.id,
            "car_park": self.car_park,
            "zone": self.zone,
            "plate": self.first.plate,
            "color": self.color,
            "ticket": None if self.first.plate is not None else self.first.ticket,
            "class": self.first.vehicle_class or (None if left is None else left.vehicle_class),
            "state": self.state,
            "reason": self.reason,
            "entry_passage": None if entry is None else entry.id,
            "entry_at": None if entry is None else entry.at,
            "exit_passage": None if left is None else left.id,
            "exit_at": None if left is None else left.at,
            "supersedes": self.supersedes,
        }


def exit_of(visit: Visit) -> dict[str, Any]:
    """The columns that say how it ended."""
    left = visit.exit
    return {"exit_passage": None if left is None else left.id, "exit_at": None if left is None else left.at}


def ends_of(visit: Visit) -> dict[str, Any]:
    """The columns that say when it was, and of which vehicle as far as its end says more than its beginning."""
    told = exit_of(visit)
    if visit.entry is not None:
        told |= {"entry_passage": visit.entry.id, "entry_at": visit.entry.at}
        if visit.entry.vehicle_class is None and visit.exit is not None and visit.exit.vehicle_class is not None:
            told |= {"class": visit.exit.vehicle_class}
    return told if visit.color is None else {**told, "color": visit.color}


def visit_of(row: Row, came: Passage, left: Passage) -> Visit:
    """The pair that the session in `row` stands on."""
    return Visit(
        zone=row["zone"],
        color=row["color"],
        outcome=Outcome.PAIRED,
        entry=came,
        exit=left,
        entries=(came.id,),
        exits=(left.id,),
    )
