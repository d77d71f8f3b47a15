"""Propose a private space for lending: nothing is offered before the operator of its car park approves."""

from kernel.db import Row, Tx
from kernel.ids import new_id
from reservation.errors import AlreadyListed, TooManyListings
from reservation.listing import OWN_MAX, PLATFORM_SHARE_BP, Lent
from reservation.place import PlaceIn, find_space
from reservation.sql import listings as sql


async def list_space(tx: Tx, owner: str, place: PlaceIn, lent: Lent, *, proof: str | None) -> Row:
    """The proposal. `place` names a numbered space.

    Raises UnknownSpace, MalformedBody, AlreadyListed, TooManyListings.
    """
    space = await find_space(tx, place)
    if await sql.is_lent(tx, space["number"]):
        raise AlreadyListed(car_park=space["car_park"], space=space["label"])
    if await sql.open_of_owner(tx, owner) >= OWN_MAX:
        raise TooManyListings(f"{OWN_MAX} of your listings are not over", limit=OWN_MAX)
    with tx.guard({"listing_proposed_once": AlreadyListed}, car_park=space["car_park"], space=space["label"]):
        return await sql.insert(
            tx,
            new_id("lst", tx.now),
            owner=owner,
            car_park=space["car_park"],
            space=space["number"],
            lent=lent,
            platform_share_bp=PLATFORM_SHARE_BP,
            proof=proof,
        )
