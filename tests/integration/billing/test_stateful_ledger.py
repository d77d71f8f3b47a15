"""The whole life of charges against a plain model, over the real ledger: whatever order things happen in.

After every step every journal sums to zero, kept balances are the fold of the entries, no charge had more given back
than was paid or paid than it costs, and its state follows from its entries. Days end at any time in between: whose the
money is then stays within a fen of its share for every charge, and to the fen in all.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.embedded import EmbeddedPostgres
from billing import charges
from billing.errors import WrongState
from billing.ledger import Account, AccountKind
from billing.ledger_differences import ledger_differences
from billing.pay_out import pay_out
from billing.reconcile_day import reconcile_day
from billing.refund_shares import refund_shares
from billing.release_owners import release_owners
from billing.settle_days import settle_days
from billing.sql import balances, settlements
from billing.sql import charges as sql
from kernel.clock import ManualClock
from kernel.db import Database, Row, Tx
from tests.integration.billing.charge_model import Kept, Model, Refused
from tests.integration.billing.day_of_money import CITY, OPERATORS, Money

MORNING = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
EMPTY = """
ALTER TABLE billing.journal DISABLE TRIGGER journal_stays; ALTER TABLE billing.entry DISABLE TRIGGER entry_stays;
ALTER TABLE billing.charge_event DISABLE TRIGGER charge_event_stays;
TRUNCATE billing.charge, billing.journal, billing.account, billing.settlement CASCADE;
ALTER TABLE billing.journal ENABLE TRIGGER journal_stays; ALTER TABLE billing.entry ENABLE TRIGGER entry_stays;
ALTER TABLE billing.charge_event ENABLE TRIGGER charge_event_stays;
"""
SHARES = [(0, 0), (0, 500), (7_000, 500), (3_333, 3_333), (5_000, 5_000), (10_000, 0)]
Effect = Callable[[Tx, Row], Awaitable[Row]]


class Books(RuleBasedStateMachine):
    """One operator, one payer, one clock; `names` are the model's names of charges."""

    runner: asyncio.Runner
    database: Database

    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.ids: dict[str, str] = {}
        self.numbers = itertools.count()
        self.clock = self.database.clock = ManualClock(MORNING)
        self.money = Money(self.database)
        self.run(self._emptied())

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    async def _emptied(self) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(EMPTY)

    @rule(seconds=st.sampled_from([1, 3_600, 20_000, 86_400, 200_000]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(target=names, amount=st.integers(1, 400), shares=st.sampled_from(SHARES), is_quote=st.booleans())
    def raise_charge(self, amount: int, shares: tuple[int, int], is_quote: bool) -> str:
        name = f"c{next(self.numbers)}"
        owner_bp, platform_bp = shares

        async def raised() -> str:
            async with self.database.transaction() as tx:
                row = await self.money.charge(
                    tx,
                    amount,
                    owner="ann" if owner_bp else None,
                    owner_share_bp=owner_bp,
                    platform_share_bp=platform_bp,
                    quote_good_until=tx.now if is_quote else None,
                )
            return str(row["id"])

        self.ids[name] = self.run(raised())
        self.model.kept[name] = Kept(amount, owner_bp, platform_bp, "quoted" if is_quote else "due")
        return name

    @rule(name=names)
    def pay(self, name: str) -> None:
        payment = f"pay_{next(self.numbers)}"

        async def effect(tx: Tx, row: Row) -> Row:
            return await charges.pay_charge(tx, row, row["amount"] - row["paid"], payment=payment, channel="sandbox")

        self._both(name, effect, "pay")

    @rule(name=names, part=st.floats(0, 1.1))
    def refund(self, name: str, part: float) -> None:
        refund = f"rfd_{next(self.numbers)}"
        kept = self.model.kept[name]
        amount = round((kept.paid - kept.refunded) * part)

        async def effect(tx: Tx, row: Row) -> Row:
            try:
                shares = await refund_shares(tx, row, amount)
            except ValueError as error:
                raise WrongState(str(error)) from error
            return await charges.refund_charge(tx, row, amount, shares, refund=refund, channel="sandbox", actor="test")

        self._both(name, effect, "refund", amount)

    @rule(name=names, amount=st.integers(0, 400))
    def adjust(self, name: str, amount: int) -> None:
        self._both(
            name, lambda tx, row: charges.adjust_charge(tx, row, amount, actor="test", reason="test"), "adjust", amount
        )

    @rule(name=names)
    def accept(self, name: str) -> None:
        self._both(name, lambda tx, row: charges.accept_charge(tx, row, channel="sandbox"), "accept")

    @rule(name=names)
    def dispute(self, name: str) -> None:
        self._both(name, lambda tx, row: charges.dispute_charge(tx, row, actor="test", reason="test"), "dispute")

    @rule(name=names)
    def uphold(self, name: str) -> None:
        self._both(name, lambda tx, row: charges.uphold_charge(tx, row, actor="test", reason="test"), "uphold")

    @rule(name=names)
    def void(self, name: str) -> None:
        self._both(name, lambda tx, row: charges.void_charge(tx, row, actor="test", reason="test"), "void")

    @rule(name=names)
    def remind(self, name: str) -> None:
        level = self.model.kept[name].level + 1
        self._both(name, lambda tx, row: charges.remind_of_charge(tx, row, level=level, remind_at=None), "remind")

    @rule(name=names)
    def write_off(self, name: str) -> None:
        self._both(name, lambda tx, row: charges.write_off_charge(tx, row, actor="test", reason="test"), "write_off")

    @rule()
    def days_end(self) -> None:
        self.run(settle_days(self.database, CITY))
        self.run(release_owners(self.database))

    @rule()
    def days_are_paid_out(self) -> None:
        """Each with all that is the operator's by it; never more than that."""

        async def paid_out() -> None:
            async with self.database.transaction(readonly=True) as tx:
                days = await settlements.to_reconcile(tx)
            for day in days:
                async with self.database.transaction() as tx:
                    assert await reconcile_day(tx, day, [])
                    await pay_out(tx, day)

        self.run(paid_out())

    @rule()
    def checkpoints_are_laid(self) -> None:
        async def laid() -> None:
            async with self.database.transaction() as tx:
                await balances.lay_checkpoints(tx)

        self.run(laid())

    def _both(self, name: str, effect: Effect, verb: str, amount: int = 0) -> None:
        """The same in both worlds, or refused in both, and then nothing has moved."""
        refused = False
        try:
            self.model.step(name, verb, amount=amount)
        except Refused:
            refused = True

        async def done() -> None:
            async with self.database.transaction() as tx:
                (row,) = await sql.lock(tx, [self.ids[name]])
                await effect(tx, row)

        try:
            self.run(done())
        except WrongState as problem:
            assert refused, f"the model allows to {verb}: {problem.detail}"
            return
        assert not refused, f"the model refuses to {verb}"

    @invariant()
    def the_charges_are_the_models(self) -> None:
        rows = {row["id"]: row for row in self._fetch("SELECT * FROM billing.charge")}
        assert len(rows) == len(self.model.kept)
        for name, kept in self.model.kept.items():
            row = rows[self.ids[name]]
            told = (row["state"], row["amount"], row["paid"], row["refunded"], row["level"])
            assert told == (kept.state, kept.amount, kept.paid, kept.refunded, kept.level), name
            assert row["refunded"] <= row["paid"] <= row["amount"]

    @invariant()
    def what_is_kept_is_what_the_entries_say(self) -> None:
        async def differences() -> list[Any]:
            async with self.database.transaction(readonly=True) as tx:
                return await ledger_differences(tx)

        assert self.run(differences()) == []

    @invariant()
    def the_sums_are_the_models(self) -> None:
        sums: Counter[str] = Counter()
        for name, total in self.run(self.money.balances()).items():
            sums[name.partition(":")[0]] += total
        assert sum(sums.values()) == 0
        assert sums["payer"] == self.model.receivable
        assert sums["bad_debt"] == self.model.bad_debt
        assert sums["channel_clearing"] == self.model.collected
        theirs = sums["operator_pending"] + sums["operator"] + sums["owner"] + sums["platform"] + sums["bank"]
        assert -theirs == self.model.earned
        assert self.run(self._balance(Account(AccountKind.CHANNEL_CLEARING, "sandbox"))) == sums["channel_clearing"]

    @invariant()
    def whose_it_is_stays_within_a_fen_of_the_shares(self) -> None:
        """Of each charge whatever its owner, operator and platform got, by its own journals."""
        got: dict[str, Counter[str]] = {}
        for row in self._fetch(
            "SELECT charge, account.kind, sum(amount)::bigint AS total FROM billing.journal"
            " JOIN billing.entry ON entry.journal = journal.id JOIN billing.account ON account.id = entry.account"
            " WHERE charge IS NOT NULL GROUP BY charge, account.kind"
        ):
            got.setdefault(row["charge"], Counter())[row["kind"]] = -row["total"]
        for name, charge in self.ids.items():
            theirs = got.get(charge, Counter())
            owner, operator, platform = self.model.shares(name)
            pending = theirs["operator_pending"]
            if theirs["owner"] or self.model.kept[name].owner_bp == 0:
                assert abs(theirs["owner"] - owner) < 2, name
            if not pending and self.model.kept[name].paid:
                assert abs(theirs["operator"] - operator) < 2, name
                assert abs(theirs["platform"] - platform) < 2, name
            assert min(theirs["owner"], theirs["operator"], theirs["platform"]) >= 0, name

    @invariant()
    def a_day_comes_to_what_its_journals_say(self) -> None:
        days = self._fetch(
            "SELECT settlement.id, settlement.state, coalesce(sum(figure.net), 0)::bigint AS net, (SELECT"
            "  coalesce(-sum(entry.amount), 0)::bigint FROM billing.settlement_item AS item"
            "  JOIN billing.journal ON journal.id = item.journal AND journal.kind <> 'payout'"
            "  JOIN billing.entry ON entry.journal = journal.id"
            "  JOIN billing.account ON account.id = entry.account AND account.kind = 'operator'"
            "  WHERE item.settlement = settlement.id) AS posted"
            " FROM billing.settlement LEFT JOIN billing.settlement_figure AS figure"
            " ON figure.settlement = settlement.id"
            " GROUP BY settlement.id"
        )
        assert all(day["net"] == day["posted"] for day in days if day["state"] != "open")

    async def _balance(self, account: Account) -> int:
        async with self.database.transaction(readonly=True) as tx:
            return await balances.balance(tx, account)

    def _fetch(self, statement: str) -> list[Row]:
        async def fetch() -> list[Row]:
            async with self.database.transaction(readonly=True) as tx:
                return await tx.fetch(statement)

        rows: list[Row] = self.run(fetch())
        return rows


def test_charges_and_the_ledger_behave_as_the_model(
    postgres_server: EmbeddedPostgres, template_database: Callable[[], Awaitable[str]]
) -> None:
    """Everything in one database, emptied for each example."""
    with asyncio.Runner() as runner:
        runner.run(_laid_out(postgres_server, template_database))
        database = Database(postgres_server.url("stateful_ledger"), ManualClock(MORNING), connections_max=2)
        runner.run(database.open())
        Books.runner, Books.database = runner, database
        try:
            run_state_machine_as_test(
                Books,
                settings=settings(
                    max_examples=12, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
                ),
            )
        finally:
            runner.run(database.close())


async def _laid_out(server: EmbeddedPostgres, template_database: Callable[[], Awaitable[str]]) -> None:
    template = await template_database()
    create = f"CREATE DATABASE stateful_ledger TEMPLATE {template}"
    for database, statement in (("postgres", create), ("stateful_ledger", OPERATORS)):
        connection = await asyncpg.connect(server.url(database))
        await connection.execute(statement)
        await connection.close()
