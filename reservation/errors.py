"""The problems of reservation, one class each; every 409 says what to do."""

from contracts import problems
from kernel.problems import Problem

UnknownCarPark = problems.UnknownCarPark
UnknownSpace = problems.UnknownSpace
WrongState = problems.WrongState


class UnknownReservation(Problem):
    """No such reservation

    It was never made, or it is somebody else's.
    """

    status = 404
    slug = "unknown-reservation"


class UnknownListing(Problem):
    """No such listing

    It was never made, or it is somebody else's.
    """

    status = 404
    slug = "unknown-listing"


class UnknownWait(Problem):
    """Nobody waits under this id

    The place in the line was never taken, or it is somebody else's.
    """

    status = 404
    slug = "unknown-wait"


class NotReservable(Problem):
    """Nothing can be reserved here

    The car park promises no spaces, or it is closed.
    """

    status = 409
    slug = "not-reservable"


class NoSpaceLeft(Problem):
    """All that can be promised is promised

    Ask for other offers, another time, or join the waiting list.
    """

    status = 409
    slug = "no-space-left"


class NotShared(Problem):
    """The space is not lent at this time

    It is private, and the window is not inside one that its owner shares. `/v1/offers` says when it is.
    """

    status = 409
    slug = "not-shared"


class VehiclePromised(Problem):
    """The vehicle has a promise for this time already

    Use it, change its time, or cancel it first.
    """

    status = 409
    slug = "vehicle-promised"


class WindowRefused(Problem):
    """The car park does not promise such a time

    `detail` says which of its terms the window breaks.
    """

    status = 409
    slug = "window-refused"


class OfferOver(Problem):
    """The offer is no longer good

    Ask for a new one; it may have another price.
    """

    status = 409
    slug = "offer-over"


class AlreadyListed(Problem):
    """The space is lent already

    Another approved listing lends this space; revoke it first.
    """

    status = 409
    slug = "already-listed"


class PromisesInTheWay(Problem):
    """Promises stand in the way

    `reservations` names them: they are kept, whatever the listing says from now on.
    """

    status = 409
    slug = "promises-in-the-way"


class AlreadyWaiting(Problem):
    """The vehicle waits for this time already

    Use the place in the line that it has, or leave it first.
    """

    status = 409
    slug = "already-waiting"
