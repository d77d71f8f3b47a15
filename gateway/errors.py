"""The gateway's problems, one class each."""

from contracts import problems
from kernel.problems import Problem

UnknownCarPark = problems.UnknownCarPark
UnknownSpace = problems.UnknownSpace
UnknownLane = problems.UnknownLane
UnknownSign = problems.UnknownSign
UnknownDevice = problems.UnknownDevice


class UnknownRejected(Problem):
    """No such rejected message

    It was never kept, was old enough to be forgotten, or belongs to an operator whom these credentials do not cover.
    """

    status = 404
    slug = "unknown-rejected"


class AlreadyReplayed(Problem):
    """The message was replayed already

    `replayed_at` says when; it is open again as soon as the same message is refused once more.
    """

    status = 409
    slug = "already-replayed"


class PayloadNotKept(Problem):
    """The message is too long to be replayed

    Only the beginning of it was kept: let the device send it again.
    """

    status = 409
    slug = "payload-not-kept"


class UnknownOrder(Problem):
    """No such order

    It was never given, was old enough to be forgotten, or belongs to an operator whom these credentials do not cover.
    """

    status = 404
    slug = "unknown-order"


class RepeatedRequest(Problem):
    """The request was sent before

    Its nonce was used with this key: what it said is recorded. A new request needs a new nonce and a new signature.
    """

    status = 409
    slug = "repeated-request"


class NotAMessage(Problem):
    """The body is no message

    `reason` says why; it was kept among the refused messages, where it can be looked at.
    """

    status = 422
    slug = "not-a-message"


class SpoolFull(Problem):
    """Too much waits to be understood

    What cameras sent is not being worked off; try again later.
    """

    status = 503
    slug = "spool-full"
