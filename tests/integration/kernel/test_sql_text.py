"""What stands in the text of a statement is read back as it was, whatever it says; and what travels with BEGIN and
COMMIT belongs to the transaction."""

from datetime import UTC, datetime

import pytest

from kernel.db import Database
from kernel.sql_text import bytes_literal, json_literal, moment_literal, text_literal

TEXTS = ("", "辽A12345", "'; DROP TABLE kernel.idempotency; --", "\\x41\\'", "$1 %s {} \\", "\u2028\U0001f697 \t\r\n")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("conforming", ["on", "off"])
async def test_values_are_read_back(database: Database, text: str, conforming: str) -> None:
    at = datetime(2026, 11, 23, 8, 0, 1, 234_567, tzinfo=UTC)
    raw, document = text.encode() + bytes(range(256)), {"Location": text}
    async with database.transaction() as tx:
        await tx.execute(f"SET LOCAL standard_conforming_strings = {conforming}")
        row = await tx.fetchrow(
            f"SELECT {text_literal(text)}, {json_literal(document)}, {moment_literal(at)}, {bytes_literal(raw)}"
        )
    assert row is not None
    assert tuple(row) == (text, document, at, raw)


async def test_what_travels_with_the_commit_is_committed_or_nothing_is(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("CREATE TABLE told (word text CONSTRAINT told_once PRIMARY KEY)")
    async with database.transaction_asking("SELECT FROM told WHERE word = 'a'") as (tx, found):
        assert not found
        await tx.execute("INSERT INTO told VALUES ('a')")
        await tx.commit_with("INSERT INTO told VALUES ('b')")
    with pytest.raises(Exception, match="told_once"):
        async with database.transaction_asking("SELECT FROM told WHERE word = 'a'") as (tx, found):
            assert found
            await tx.execute("INSERT INTO told VALUES ('c')")
            await tx.commit_with("INSERT INTO told VALUES ('b')")
    async with database.transaction_asking("SELECT") as (tx, _):
        await tx.execute("INSERT INTO told VALUES ('d')")
        with pytest.raises(Exception, match="told_once"):
            async with tx.savepoint():
                await tx.execute("INSERT INTO told VALUES ('e'), ('a')")
        async with tx.savepoint():
            await tx.execute("INSERT INTO told VALUES ('f')")
    async with database.transaction() as tx:
        assert [row["word"] for row in await tx.fetch("SELECT word FROM told ORDER BY word")] == ["a", "b", "d", "f"]
