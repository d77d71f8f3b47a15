"""A plate that a camera took for another one: the exit of one vehicle and the entry of the other are one stay.

Taken by itself only where nothing speaks against it (`billing.confusable`), and taken back as soon as something does:
an entry or an exit of its own that comes after all. The reading that was less sure is put right; the other one says
whose stay it is.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from billing.bill_session import Till, decide_again, seen
from billing.confusable import Proposal, decided
from billing.exit_decision import decide_exit
from billing.follow_passages import Followed, follow_passages
from billing.pairing import Passage
from billing.session_lifecycle import State
from billing.sql import corrections, passages, sessions
from billing.sql import matches as sql
from billing.sql.corrections import Correction
from contracts.lane_orders import is_live
from kernel.db import Row, Tx

MATCHER: Final = "billing.match"
UNMATCHER: Final = "billing.unmatch"
LATE: Final = timedelta(minutes=1)


async def match_plates(tx: Tx, till: Till, followed: Followed) -> None:
    """After passages were followed: match, take matches back, and decide on the exits that are still nobody's."""
    undone = await _undo(tx, till, followed)
    orphans = followed.orphans
    like = await sql.orphans_like(tx, _late_and_open(tx, followed))
    left = [] if undone else await sql.orphans(tx, [*(row["id"] for row, _ in orphans), *like])
    for orphan in left:
        below = till.policies[orphan.car_park].match_confidence_below
        proposal = decided(orphan.left, orphan.inside, confidence_below=below)
        if proposal is not None:
            await match(tx, till, orphan, proposal, made_by=MATCHER, reason="looks_alike")
    await _decide(tx, till, orphans)


async def match(tx: Tx, till: Till, orphan: sql.Orphan, proposal: Proposal, *, made_by: str, reason: str) -> Followed:
    """The exit and the session of `proposal` are of one vehicle; the car park is locked."""
    (inside,) = await sessions.lock(tx, [proposal.session])
    wrong = orphan.passage if proposal.is_exit_wrong else inside["entry_passage"]
    other = proposal if proposal.is_exit_wrong else orphan.left
    old = await corrections.standing(tx, orphan.car_park, wrong)
    right = await corrections.standing(
        tx, orphan.car_park, inside["entry_passage"] if proposal.is_exit_wrong else orphan.passage
    )
    assert old is not None and right is not None, "sessions name passages that stand"  # noqa: S101
    plate = {"plate": other.plate, "color": other.color}
    new = await corrections.put_right(tx, [Correction(old=old, changed=plate, made_by=made_by, reason=reason)])
    return await follow_passages(tx, till, passages.asked_about([old, right, *new]))


async def _undo(tx: Tx, till: Till, followed: Followed) -> bool:
    """Whether matches were taken back."""
    wrong: dict[str, Row] = {}
    for car_park, passage in followed.unpaired:
        if passage.made_by == MATCHER:
            row = await corrections.standing(tx, car_park, passage.id)
            if row is not None:
                wrong[row["id"]] = row
    came = _late_and_open(tx, followed)
    left = [row for row, _ in followed.orphans if row["plate"] is not None]
    wrong.update((row["id"], row) for row in await sql.questioned(tx, came, left, made_by=MATCHER))
    if wrong:
        await _restore(tx, till, list(wrong.values()))
    return bool(wrong)


def _late_and_open(tx: Tx, followed: Followed) -> list[Row]:
    """Only an entry that became known late can have an exit already."""
    return [
        row
        for row in followed.rows.values()
        if row["state"] == State.OPEN and row["plate"] and tx.now - row["entry_at"] > LATE
    ]


async def _restore(tx: Tx, till: Till, wrong: Sequence[Row]) -> None:
    """They are again what the cameras read."""
    restored = []
    for row in wrong:
        told = await passages.read(tx, row["car_park"], row["supersedes"])
        plate = {"plate": told["plate"], "color": told["color"]}
        restored.append(Correction(old=row, changed=plate, made_by=UNMATCHER, reason="explained_otherwise"))
    new = await corrections.put_right(tx, restored)
    await follow_passages(tx, till, passages.asked_about([*wrong, *new]))


async def _decide(tx: Tx, till: Till, orphans: Sequence[tuple[Row, Passage]]) -> None:
    """Whoever stands at the exit and was not matched; of the others there is nothing to decide. Whoever came to the
    exit before, and did not pay, has not left since: it still owes that.
    """
    rows = {row["id"]: row for row in await sessions.lock(tx, [row["id"] for row, _ in orphans])} if orphans else {}
    for row, passage in orphans:
        now = rows[row["id"]]
        if now["state"] != State.ORPHAN_EXIT or not is_live(seen(now, passage), tx.now):
            continue
        before = await sessions.not_through(tx, now)
        if before is not None:
            await decide_again(tx, till, before, passage)
        else:
            await decide_exit(tx, till.give_order, now, None, seen(now, passage))
