"""Every named constraint of the schema has a sentence, and every sentence a constraint."""

from kernel.db import Database
from registry.errors import REFUSALS

NAMES = """
SELECT conname, contype::text FROM pg_constraint
WHERE connamespace = 'registry'::regnamespace AND contype IN ('c', 'f', 'p', 'u', 'x')
UNION SELECT relname, 'u' FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = 'registry'::regnamespace AND indisunique AND indexprs IS NOT NULL
"""


async def test_no_constraint_is_without_a_problem_and_no_problem_without_a_constraint(database: Database) -> None:
    async with database.transaction() as tx:
        constraints = {row["conname"] for row in await tx.fetch(NAMES)}
    assert constraints == set(REFUSALS)


async def test_no_constraint_has_a_name_that_nobody_chose(database: Database) -> None:
    async with database.transaction() as tx:
        names = [row["conname"] for row in await tx.fetch(NAMES)]
    generated = [name for name in names if name.endswith(("_pkey", "_fkey", "_check", "_not_null"))]
    assert generated == []


async def test_what_is_guarded_is_what_a_reader_is_told() -> None:
    for name, problem in REFUSALS.items():
        assert problem.title(), name
        assert 400 <= problem.status < 500, name
