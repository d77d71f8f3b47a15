"""Whether a car park's own gateway is there: its word, its will, and whatever else is heard of it. Pure.

A notice of absence comes from the car park that says goodbye, or from the broker that publishes its will. A will was
written when the connection began and says so in its `at`: of what was heard since then nothing speaks against it. So:

- a notice told before the last word `online`, by no more than it takes to connect, is the will of that connection:
  believed;
- one told after that word is a goodbye, believed unless data is newer: then it was overtaken on its way;
- one told much before that word belongs to an earlier connection, whose end the broker noticed late: the car park has
  come back meanwhile. A device that wrote its will once for all its connections says the same when it is really gone,
  so it is asked for a snapshot, and gone if nothing is heard of it within `ANSWERS_WITHIN`.

Whatever is heard afterwards, in the order of receipt, brings it back. As long as it is away, its state is `unknown`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field

from contracts.facts import Facts, StatusSeen
from contracts.ids import CarParkId
from occupancy.standing import Standing

CONNECTS_WITHIN: Final = timedelta(seconds=30)
"""From writing a will to the first word over the connection: TCP, TLS and a subscription, on a mobile line."""
ANSWERS_WITHIN: Final = timedelta(seconds=60)
"""As long as an order for a snapshot may be obeyed."""


class Presence(Struct):
    """Who came back, who connected anew though we had not heard of its going (a broker that died does not publish
    wills), and of whom a notice came that something speaks against; and when we heard that.
    """

    back: dict[CarParkId, datetime] = field(default_factory=dict)
    anew: dict[CarParkId, datetime] = field(default_factory=dict)
    doubtful: dict[CarParkId, datetime] = field(default_factory=dict)


def last_heard(facts: Facts) -> dict[CarParkId, datetime]:
    """When the last of `facts` that is no status was received, by car park."""
    heard = {fact.car_park: fact.received_at for fact in facts.spaces}
    for kind in (facts.counts, facts.passages):
        for fact in kind:
            known = heard.get(fact.car_park)
            if known is None or fact.received_at > known:
                heard[fact.car_park] = fact.received_at
    return heard


def note_presence(
    standings: Mapping[CarParkId, Standing], statuses: Sequence[StatusSeen], heard: Mapping[CarParkId, datetime]
) -> Presence:
    """Put into `standings` what `statuses`, also repeated ones, and data `heard` say about who is there.

    The times of the data must be in the standings already.
    """
    found = Presence()
    was_away = {car_park for car_park, standing in standings.items() if standing.online is False}
    for status in sorted(statuses, key=lambda fact: fact.received_at):
        standing = standings[status.car_park]
        if standing.online_at is not None and status.received_at < standing.online_at:
            continue
        if status.online:
            if standing.online_said_at is None or status.at > standing.online_said_at:
                if standing.online and standing.online_said_at is not None:
                    found.anew[status.car_park] = status.received_at
                standing.online_said_at = status.at
            standing.online, standing.online_at = True, status.received_at
            standing.noticed_at = None
        elif _is_believed(status, standing):
            standing.online, standing.online_at = False, status.received_at
            standing.noticed_at = None
        elif standing.online is not False and _is_doubtful(status, standing):
            standing.noticed_at = status.received_at
    for car_park, received_at in heard.items():
        standing = standings[car_park]
        if standing.heard_at is None or received_at > standing.heard_at:
            standing.heard_at = received_at
        if standing.noticed_at is not None and received_at > standing.noticed_at:
            standing.noticed_at = None
        if standing.online is False and standing.online_at is not None and received_at > standing.online_at:
            standing.online, standing.online_at = True, received_at
    for car_park, standing in standings.items():
        if standing.online and standing.online_at is not None and car_park in was_away:
            found.back[car_park] = standing.online_at
        if standing.noticed_at is not None:
            found.doubtful[car_park] = standing.noticed_at
    return found


def is_gone(noticed_at: datetime | None, now: datetime) -> bool:
    """Whether a notice that was doubted is to be believed, since nothing was heard after it."""
    return noticed_at is not None and now - noticed_at > ANSWERS_WITHIN


def believe_notice(standing: Standing, now: datetime) -> None:
    """Whoever was said to be gone and was not heard since is gone."""
    if is_gone(standing.noticed_at, now):
        standing.online, standing.online_at, standing.noticed_at = False, standing.noticed_at, None


def _is_believed(notice: StatusSeen, standing: Standing) -> bool:
    said = standing.online_said_at
    if said is not None and notice.at <= said:
        return notice.at >= said - CONNECTS_WITHIN
    return standing.as_of is None or standing.as_of <= notice.at


def _is_doubtful(notice: StatusSeen, standing: Standing) -> bool:
    """A goodbye that newer data overtook is no more than that; a will may be true all the same."""
    said = standing.online_said_at
    return said is None or notice.at <= said
