"""The problems of reservation, one class each; every 409 says what to do."""

from contracts import problems
from kernel.problems import Problem

UnknownCarPark = problems.UnknownCarPark
UnknownOperator = problems.UnknownOperator
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


class TooManyListings(Problem):
    """The owner has too many listings

    Revoke one that is no longer needed.
    """

    status = 409
    slug = "too-many-listings"


class NeedsApproval(Problem):
    """The operator has to agree to that

    What was approved can be changed in the operator's favour only; revoke it and list the space anew to ask for more.
    """

    status = 409
    slug = "needs-approval"


class PoolNeedsSpace(Problem):
    """The car park needs the space for its pool

    What can be promised of the pool and the private spaces would be more than there are: lower `reservable` first.
    """

    status = 409
    slug = "pool-needs-space"


class TooManyExceptions(Problem):
    """The listing has too many exceptions

    Change the windows instead, or remove exceptions that are over.
    """

    status = 409
    slug = "too-many-exceptions"


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


class StillFree(Problem):
    """There is nothing to wait for

    The space can be held right now.
    """

    status = 409
    slug = "still-free"


class TooManyWaits(Problem):
    """The driver waits for too much at a time

    Leave another line first.
    """

    status = 409
    slug = "too-many-waits"


class UnknownWebhook(Problem):
    """No such webhook

    It was never set up, or it is another operator's.
    """

    status = 404
    slug = "unknown-webhook"


class WebhookTaken(Problem):
    """Another operator has a webhook under this id

    Choose another one.
    """

    status = 409
    slug = "webhook-taken"


class UnknownDelivery(Problem):
    """No such delivery

    It was never made, is forgotten, or another operator's.
    """

    status = 404
    slug = "unknown-delivery"


class PassRefused(Problem):
    """The pass is not good

    `reason` is `not_ours` or `expired`: let the driver's app show a new one.
    """

    status = 409
    slug = "pass-refused"


class TooManyWebhooks(Problem):
    """The operator has as many webhooks as there may be

    Remove one that is not needed.
    """

    status = 409
    slug = "too-many-webhooks"
