"""A hold: the space is promised from this moment, to be confirmed until `hold_expires_at`.

What is refused only because of promises that ran out, and that no sweep has come by yet to end, is not refused: they
end here, whoever waits for what they took comes first, and it is tried once more. Where that is refused too, nothing of
it has happened, and the sweep hands over what ran out.
"""

from kernel.db import Row, Tx
from reservation.lapse import lapse_in_the_way
from reservation.promote import offer_freed
from reservation.stay import Place, Quoted, Stay
from reservation.try_hold import Refused, try_hold, undo


async def hold_space(tx: Tx, driver: str, place: Place, stay: Stay, *, quoted: Quoted | None = None) -> Row:
    """The new reservation's row. Raises NoSpaceLeft, VehiclePromised, NotShared, WindowRefused; and NoLongerSo when the
    `place` was remembered and has changed since: find it again, nothing has happened.
    """
    tried = await try_in_time(tx, driver, place, stay, quoted=quoted)
    if isinstance(tried, Refused):
        raise tried.problem
    return tried


async def try_in_time(tx: Tx, driver: str, place: Place, stay: Stay, *, quoted: Quoted | None = None) -> Row | Refused:
    """As `try_hold`, with what ran out no longer in the way. Raises NotShared, WindowRefused, NoLongerSo."""
    tried = await try_hold(tx, driver, place, stay, quoted=quoted)
    if isinstance(tried, Refused) and (ran_out := await lapse_in_the_way(tx, place.car_park, place.space, stay)):
        await undo(tx, place, tried)
        await offer_freed(tx, await ran_out.end(tx))
        tried = await try_hold(tx, driver, place, stay, quoted=quoted)
    return tried
