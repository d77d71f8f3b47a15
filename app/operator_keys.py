"""Operators' keys made at the machine itself, without a key to ask for them: `berth token --operator`."""

import re
from collections.abc import Sequence

from app.exit_codes import CommandFailed, Exit
from contracts.ids import SLUG_PATTERN, OperatorId
from kernel.clock import Clock
from kernel.db import Database, DatabaseAway
from registry.catalogue import Name, Operator
from registry.issue_key import issue_key
from registry.sql.car_parks import ensure_operator

ACTOR = "berth token"


async def issue_operator_keys(url: str, operators: Sequence[str], clock: Clock) -> dict[str, str]:
    """A new key for each of `operators`, all or none; who is not known yet is registered. Raises CommandFailed."""
    for operator in operators:
        if not re.fullmatch(SLUG_PATTERN, operator):
            raise CommandFailed(Exit.USAGE, f"{operator!r} is no operator's id: {SLUG_PATTERN}")
    database = Database(url, clock, connections_max=1, name="berth token")
    made: dict[str, str] = {}
    try:
        await database.open()
        async with database.transaction() as tx:
            for operator in map(OperatorId, operators):
                await ensure_operator(tx, Operator(operator, Name(operator, operator)))
                made[operator] = (await issue_key(tx, operator, name=ACTOR, actor=ACTOR)).text
    except DatabaseAway as away:
        raise CommandFailed(Exit.UNREACHABLE, away.detail) from away
    finally:
        await database.close()
    return made
