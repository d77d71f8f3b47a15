"""Coupons: issued, ended, listed, found by their codes, put on stays."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from kernel.callers import Caller
from kernel.db import Row, Tx

_USES: Final = """
    (
        SELECT count(*) FROM billing.coupon_use AS used JOIN billing.session ON session.id = used.session
        WHERE used.coupon = coupon.id AND used.is_spent AND session.state NOT IN ('corrected', 'voided')
    ) AS uses
"""

INSERT: Final = f"""
    INSERT INTO billing.coupon (
        id, operator, car_parks, concession, issuer, code, plate, color, minutes, amount, uses_max, valid_from,
        valid_until, created_at, created_by
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    RETURNING coupon.*, {_USES}
"""


async def insert(
    tx: Tx,
    coupon: str,
    *,
    operator: str,
    car_parks: Sequence[str],
    concession: str,
    issuer: str,
    shown_by: tuple[str | None, str | None, str | None],
    less: tuple[int | None, int | None],
    uses_max: int,
    valid: tuple[datetime, datetime],
    actor: str,
) -> Row:
    """`shown_by`: code, or plate and colour; `less`: minutes and amount, where it is less than the tariff says."""
    kept = (operator, list(car_parks), concession, issuer, *shown_by, *less, uses_max, *valid)
    (row,) = await tx.fetch(INSERT, coupon, *kept, tx.now, actor)
    return row


END: Final = """
    UPDATE billing.coupon SET version = version + 1, ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL
"""


async def end(tx: Tx, coupon: str, actor: str) -> bool:
    """From now on; whether it had not ended before."""
    return await tx.execute(END, coupon, tx.now, actor) > 0


OWN: Final = f"""
    SELECT coupon.*, {_USES} FROM billing.coupon WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2))
"""


async def own(tx: Tx, coupon: str, caller: Caller) -> Row | None:
    """If `caller` may manage it."""
    return await tx.fetchrow(OWN, coupon, caller.covered)


PAGE: Final = f"""
    SELECT coupon.*, {_USES} FROM billing.coupon
    WHERE ($1::text[] IS NULL OR operator = ANY ($1)) AND ($2::text IS NULL OR $2 = ANY (car_parks))
        AND ($3::text IS NULL OR issuer = $3) AND ($4::text IS NULL OR plate = $4) AND ($5::text IS NULL OR id < $5)
    ORDER BY id DESC LIMIT $6
"""


async def page(
    tx: Tx,
    caller: Caller,
    *,
    car_park: str | None,
    issuer: str | None,
    plate: str | None,
    below: str | None,
    limit: int,
) -> list[Row]:
    """The last one issued first."""
    return await tx.fetch(PAGE, caller.covered, car_park, issuer, plate, below, limit)


BY_CODE: Final = f"""
    SELECT coupon.*, {_USES} FROM billing.coupon
    WHERE code = $2 AND $1 = ANY (car_parks)
        AND operator = (SELECT operator FROM registry.car_park_card WHERE id = $1)
        AND valid_from <= $3 AND least(valid_until, ended_at) > $3
"""
LOCK: Final = "SELECT FROM billing.coupon WHERE id = $1 FOR NO KEY UPDATE"


async def by_code(tx: Tx, car_park: str, code: str) -> Row | None:
    """That is good at this car park now, however often it was used."""
    return await tx.fetchrow(BY_CODE, car_park, code, tx.now)


async def lock(tx: Tx, coupon: str) -> None:
    """Nobody else uses it until the transaction ends."""
    await tx.execute(LOCK, coupon)


OWN_SESSION: Final = """
    SELECT id, car_park, state, tariff FROM billing.session WHERE id = $1 AND driver = $2 FOR NO KEY UPDATE
"""


async def own_session(tx: Tx, session: str, driver: str) -> Row | None:
    """The driver's stay, locked."""
    return await tx.fetchrow(OWN_SESSION, session, driver)


PUT_ON: Final = """
    INSERT INTO billing.coupon_use (coupon, session, at, actor) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""


async def put_on(tx: Tx, coupon: str, session: str, actor: str) -> None:
    """It is used for this stay, unless the stay turns out to cost no less for it."""
    await tx.execute(PUT_ON, coupon, session, tx.now, actor)


ON_STAY: Final = """
    SELECT coupon.id, coupon.concession, coupon.issuer, used.is_spent, session.state, session.tariff
    FROM billing.session
    LEFT JOIN billing.coupon_use AS used ON used.session = session.id
    LEFT JOIN billing.coupon ON coupon.id = used.coupon
    WHERE session.id = $1 AND session.driver = $2
    ORDER BY used.at, coupon.id
"""


async def on_stay(tx: Tx, session: str, driver: str) -> list[Row]:
    """The coupons on the driver's stay; one row without a coupon where there is none, no row where it is not his."""
    return await tx.fetch(ON_STAY, session, driver)


TAKE_OFF: Final = """
    DELETE FROM billing.coupon_use USING billing.session
    WHERE coupon_use.coupon = $1 AND coupon_use.session = $2 AND session.id = coupon_use.session
        AND session.state = 'open'
"""


async def take_off(tx: Tx, coupon: str, session: str) -> bool:
    """Whether it was on the stay, which still goes on: it is there for another one."""
    return await tx.execute(TAKE_OFF, coupon, session) > 0


IS_ON: Final = "SELECT EXISTS (SELECT FROM billing.coupon_use WHERE coupon = $1 AND session = $2)"


async def is_on(tx: Tx, coupon: str, session: str) -> bool:
    return bool(await tx.fetchval(IS_ON, coupon, session))
