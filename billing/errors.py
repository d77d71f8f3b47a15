"""The problems of billing, one class each; every 409 says what to do."""

from contracts import problems
from kernel.problems import Problem

UnknownCarPark = problems.UnknownCarPark
UnknownOperator = problems.UnknownOperator
UnknownLane = problems.UnknownLane
UnknownZone = problems.UnknownZone
WrongState = problems.WrongState


class UnknownCharge(Problem):
    """No such charge

    It was never made, or it is somebody else's.
    """

    status = 404
    slug = "unknown-charge"


class UnknownTariff(Problem):
    """No such tariff

    It was never made, it was withdrawn before it came into force, or it is another car park's.
    """

    status = 404
    slug = "unknown-tariff"


class TariffBackdated(Problem):
    """The tariff would begin in the past

    Stays that began are priced by what was in force then: leave `valid_from` out, or name a time to come.
    """

    status = 409
    slug = "tariff-backdated"


class TariffBegun(Problem):
    """The tariff is in force already, or was

    Stays are priced by it: put another one in force instead of withdrawing it.
    """

    status = 409
    slug = "tariff-begun"


class TariffOvertaken(Problem):
    """Another version was made at the same moment

    Look at it, and send yours again if it is still meant.
    """

    status = 409
    slug = "tariff-overtaken"


class NoTariff(Problem):
    """No tariff is in force

    The car park has not said what such a stay costs; ask its operator.
    """

    status = 409
    slug = "no-tariff"


class NoPlan(Problem):
    """The tariff has no price for such a stay

    It is for other vehicle classes, hours or lengths of stay; ask the car park's operator.
    """

    status = 409
    slug = "no-plan"


class NoSuchConcession(Problem):
    """The tariff knows no such concession

    `concessions` lists those that there are.
    """

    status = 409
    slug = "no-such-concession"


class CityWide(Problem):
    """This holds for the whole city

    Only credentials that cover every operator may change it; a car park's own can be set by its operator.
    """

    status = 403
    slug = "city-wide"


class UnknownAgreement(Problem):
    """No such agreement

    It was never made, it has ended, or it is somebody else's.
    """

    status = 404
    slug = "unknown-agreement"


class UnknownChannel(Problem):
    """No such payment channel

    `channels` lists those through which this city is paid.
    """

    status = 409
    slug = "unknown-channel"


class VehicleAgreed(Problem):
    """The vehicle has an agreement already

    One vehicle has one agreement, whoever drives it: end the other one first.
    """

    status = 409
    slug = "vehicle-agreed"


class UnknownDispute(Problem):
    """No such objection

    It was never made, or it is about a charge of an operator whom these credentials do not cover.
    """

    status = 404
    slug = "unknown-dispute"


class AlreadyDisputed(Problem):
    """An objection waits for its answer already

    Nobody is reminded of the charge until it has been looked at.
    """

    status = 409
    slug = "already-disputed"


class ProofRefused(Problem):
    """Nothing of the vehicle fits this proof

    Name a car park and the time, within ten minutes, at which the vehicle drove in there.
    """

    status = 403
    slug = "proof-refused"


class CouponNotGood(Problem):
    """The coupon is not good here

    There is no such code for this car park, it is over, or it was used as often as it may be.
    """

    status = 409
    slug = "coupon-not-good"


class CodeTaken(Problem):
    """There is a coupon with this code already

    Choose another code, or leave it out and one is made.
    """

    status = 409
    slug = "code-taken"


class UnknownCoupon(Problem):
    """No such coupon

    It was never issued, or these credentials do not cover its operator.
    """

    status = 404
    slug = "unknown-coupon"


class UnknownPermit(Problem):
    """No such permit

    It was never issued, or these credentials do not cover its operator.
    """

    status = 404
    slug = "unknown-permit"


class UnknownSession(Problem):
    """No such session

    It never began, or it is somebody else's.
    """

    status = 404
    slug = "unknown-session"


class UnknownPayment(Problem):
    """No such payment

    It was never made, or it is somebody else's.
    """

    status = 404
    slug = "unknown-payment"


class UnknownRefund(Problem):
    """No such refund

    It was never begun, or it is somebody else's.
    """

    status = 404
    slug = "unknown-refund"


class NoSuchChannel(Problem):
    """No such payment channel here

    It was never configured, or is no more: nothing that it tells is heard.
    """

    status = 404
    slug = "no-such-channel"


class UnknownNotification(Problem):
    """No such notification

    The channel never sent it, or it does not concern what these credentials cover.
    """

    status = 404
    slug = "unknown-notification"


class NotPayable(Problem):
    """Nothing of this can be paid now

    It is paid, void, or a payment channel is collecting it: look at the charge's `state`.
    """

    status = 409
    slug = "not-payable"


class NothingToRefund(Problem):
    """So much cannot be given back

    `refundable` says how much of it can: what was paid, less what went back or is on its way.
    """

    status = 409
    slug = "nothing-to-refund"


class UnknownSettlement(Problem):
    """No such settlement

    There is none of that id, or it is another operator's.
    """

    status = 404
    slug = "unknown-settlement"


class UnknownDifference(Problem):
    """No such difference

    There is none of that id, or it concerns another operator as well.
    """

    status = 404
    slug = "unknown-difference"


class NothingToPay(Problem):
    """Nothing has to be paid now

    The stay is free so far, paid for, or covered by a pass: drive to the exit.
    """

    status = 409
    slug = "nothing-to-pay"


class PromiseCharged(Problem):
    """The promise was charged already

    There is one charge for each promise, whoever asks for it.
    """

    status = 409
    slug = "promise-charged"


class UnknownPassage(Problem):
    """No such passage at this car park

    Nobody told it, or it is void already.
    """

    status = 404
    slug = "unknown-passage"


class NotAStay(Problem):
    """These passages are not one stay

    Another entry or exit lies between them, or they are in the wrong order: put that right first. `session` is what
    the passage says now.
    """

    status = 409
    slug = "not-a-stay"


class NothingInside(Problem):
    """The session is not inside

    Only a session that is open or suspect, and began before the exit, can be the one that left.
    """

    status = 409
    slug = "nothing-inside"


class NothingAvailable(Problem):
    """Nothing is available for this owner

    What a lent space earned can be paid out 48 hours after the stay, once it is paid; see the owner's statement.
    """

    status = 409
    slug = "nothing-available"
