"""A vehicle drives in: whether it may leave first and pay later, as it stands now, over all car parks.

Nobody is refused by it. It is kept with the session for the driver and the operator to see, and decided anew at the
exit: what is paid meanwhile counts, and so does an agreement that has ended.
"""

from typing import Any, Final

from msgspec import Struct

from billing.eligibility import Reason, why_not
from billing.sql import decisions
from billing.sql.standing import standing
from billing.standing import Standing
from kernel.db import Row, Tx
from kernel.jobs import enqueue
from kernel.moments import wire_time

ANNOUNCE: Final = "billing.announce"
"""The job that tells the vehicle's payment channel of the entry."""


class EntryDecision(Struct, frozen=True, kw_only=True):
    """`reasons` against credit; none: the vehicle may leave first. `cap` is what a stay may cost then, in fen."""

    reasons: tuple[Reason, ...]
    cap: int
    unpaid: int
    amount_unpaid: int
    agreement: str | None
    driver: str | None
    channel: str | None

    @property
    def pays_later(self) -> bool:
        return not self.reasons

    def document(self) -> dict[str, Any]:
        """As it is kept; who the driver is stands in the session."""
        return {
            "pays_later": self.pays_later,
            "reasons": [str(reason) for reason in self.reasons],
            "cap": self.cap,
            "unpaid": self.unpaid,
            "amount_unpaid": self.amount_unpaid,
            "agreement": self.agreement,
            "channel": self.channel,
        }


async def decide_entry(tx: Tx, session: Row) -> EntryDecision:
    """Decide, and keep it with the `session`, whose `driver` is from then on who has the agreement for the vehicle."""
    stands = await standing(tx, session["car_park"], plate=session["plate"], color=session["color"])
    decision = entry_decision(stands)
    document = {**decision.document(), "at": wire_time(tx.now)}
    await decisions.keep_at_entry(tx, session["id"], document, decision.driver)
    if decision.agreement is not None:
        await enqueue(tx, ANNOUNCE, session["id"].encode())
    return decision


def entry_decision(stands: Standing) -> EntryDecision:
    """Of a vehicle that stands so."""
    return EntryDecision(
        reasons=why_not(stands.policy, stands.known),
        cap=stands.policy.cap_per_stay,
        unpaid=stands.known.unpaid,
        amount_unpaid=stands.known.amount_unpaid,
        agreement=stands.agreement,
        driver=stands.driver,
        channel=stands.channel,
    )
