"""Keeps what a slot is subscribed to in step with the registry: operators come within a second or two, and go.

The table `gateway.subscription` says for which operators the broker keeps messages under which client id. It is written
after the broker's consent and cleared before a subscription is ended, and slot 0, which hears everyone, leaves to the
others what stands there: at no time is there an operator whom nobody hears. For a moment two may hear one; the second
time is a repeat. A broker that has forgotten our session has forgotten the subscriptions, too.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from gateway.directory import Directory
from gateway.partition import ALL_OPERATORS, Share, operator_filter
from gateway.settings import GatewaySettings
from gateway.sql import slots as sql
from kernel.db import Database


class Ears(Protocol):
    """What is needed of the link."""

    @property
    def fresh_sessions(self) -> int:
        """Grows with every connection for which the broker had kept nothing."""

    async def listen_to(self, filters: Sequence[str], *, never_to: Iterable[str] = ()) -> bool:
        """Subscribe to exactly `filters`, now or with the next connection; whether the broker has consented by now.

        `never_to`: what its session may still hold from before.
        """


class Listening:
    """`step` is taken once a second and after every look into the registry."""

    def __init__(self, db: Database, settings: GatewaySettings, share: Share, ears: Ears, directory: Directory) -> None:
        self._db = db
        self._settings = settings
        self._share = share
        self._ears = ears
        self._directory = directory
        self._others = [other.client_id for other in settings.shares() if other != share]
        self._fresh = 0

    async def step(self) -> None:
        """One comparison of registry, broker and table. Raises what the database raises."""
        if self._share.partitions == 1:
            return
        wanted = self._share.to_subscribe(self._directory.operators())
        fresh = self._ears.fresh_sessions
        async with self._db.transaction() as tx:
            if fresh != self._fresh:
                forgotten = [self._share.client_id, *(self._others if self._share.hears_all else ())]
                await sql.forget_subscriptions(tx, forgotten)
            told = await sql.subscribed(tx, self._share.client_id)
            gone = told - wanted
            if gone:
                await sql.drop_subscriptions(tx, self._share.client_id, sorted(gone))
        self._fresh = fresh
        filters = [*self._settings.standing_filters(self._share), *map(operator_filter, sorted(wanted))]
        never_to = [operator_filter(operator) for operator in gone]
        if not self._share.hears_all:
            never_to.append(ALL_OPERATORS)
        consented = await self._ears.listen_to(filters, never_to=never_to)
        new = wanted - told
        if consented and new:
            async with self._db.transaction() as tx:
                await sql.add_subscriptions(tx, self._share.client_id, sorted(new))
        if self._share.hears_all:
            await self._leave_to_others()

    async def _leave_to_others(self) -> None:
        async with self._db.transaction(readonly=True) as tx:
            elsewhere = await sql.subscribed_elsewhere(
                tx, self._others, session_expiry_s=self._settings.session_expiry_s
            )
        self._directory.leave_to_others(elsewhere)
