"""A channel's word of a vehicle, in whatever order it comes, and whose agreement it moves."""

from datetime import timedelta

from billing.channels.protocol import Plate, PlateState
from billing.follow_plate import follow_plate
from kernel.db import Database
from tests.integration.billing.stays import COLOR, PLATE, agreement

CAR = Plate(PLATE, COLOR)


async def state_of(database: Database) -> str:
    async with database.transaction() as tx:
        return str(await tx.fetchval("SELECT state FROM billing.agreement"))


async def test_the_last_word_holds_whichever_comes_last(database: Database) -> None:
    async with database.transaction() as tx:
        await agreement(tx)
        now = tx.now
        for minutes, state in ((2, PlateState.PAUSE), (1, PlateState.NORMAL), (2, PlateState.NORMAL)):
            await follow_plate(tx, CAR, state, channel="sandbox", at=now + timedelta(minutes=minutes))
    assert await state_of(database) == "paused"
    async with database.transaction() as tx:
        assert not await follow_plate(tx, CAR, PlateState.OVERDUE, channel="wechat", at=now + timedelta(minutes=3))
        assert await follow_plate(tx, CAR, PlateState.OVERDUE, channel="sandbox", at=now + timedelta(minutes=3))
    assert await state_of(database) == "overdue"


async def test_a_word_of_the_vehicle_confirms_nobody(database: Database) -> None:
    async with database.transaction() as tx:
        await agreement(tx, state="pending")
        assert not await follow_plate(tx, CAR, PlateState.NORMAL, channel="sandbox", at=tx.now)
    assert await state_of(database) == "pending"
