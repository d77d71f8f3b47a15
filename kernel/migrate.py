"""Brings a database to the schema that this code was written for, or says why it cannot.

Plain SQL files `migrations/NNNN_name.sql`, each in its own transaction, under an advisory lock so that several
processes may start at once. The checksum of every applied file is kept: a file that changed after it was applied is
an error, and so is a database that knows a migration that this code does not.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from typing import Any

import asyncpg

from kernel.db import CONNECT_TIMEOUT_S

LOCK_KEY = 0x6265727468
"""Advisory lock of the migration run: the bytes of "berth"."""

LOCK = "SELECT pg_advisory_lock($1)"

MAKE_LEDGER = """
CREATE SCHEMA IF NOT EXISTS kernel;
CREATE TABLE IF NOT EXISTS kernel.migration (
    number     integer     CONSTRAINT migration_key PRIMARY KEY,
    name       text        NOT NULL,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
"""
"""Here and not in a migration: it has to be there before the first one."""

HAS_LEDGER = "SELECT to_regclass('kernel.migration') IS NOT NULL"

APPLIED = "SELECT number, name, sha256 FROM kernel.migration"

NOTE = "INSERT INTO kernel.migration (number, name, sha256) VALUES ($1, $2, $3)"


class SchemaMismatch(Exception):
    """The database's schema is not the one this code was written for."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of SQL."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(package: str = "migrations") -> list[Migration]:
    """The files of `package`, in order; a number may be missing. Raises ValueError on a repeated one or a bad name."""
    found = []
    for file in resources.files(package).iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", file.name)
        if match is None:
            raise ValueError(f"{file.name}: a migration is named NNNN_name.sql")
        found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    for one, other in pairwise(found):
        if one.number == other.number:
            raise ValueError(f"{one.name} and {other.name} are both numbered {one.number:04}")
    return found


async def migrate(url: str, migrations: Sequence[Migration]) -> list[Migration]:
    """Apply what is missing; the migrations that were applied now. Raises SchemaMismatch, OSError, PostgresError."""
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)
    try:
        await connection.execute(LOCK, LOCK_KEY)
        await connection.execute(MAKE_LEDGER)
        applied = await _applied(connection)
        _compare(applied, migrations)
        pending = [migration for migration in migrations if migration.number not in applied]
        for migration in pending:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(NOTE, migration.number, migration.name, migration.sha256)
        return pending
    finally:
        await connection.close()


async def check_schema(url: str, migrations: Sequence[Migration]) -> None:
    """Raises SchemaMismatch unless exactly `migrations` are applied: a process must not serve on another schema."""
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)
    try:
        if not await connection.fetchval(HAS_LEDGER):
            raise SchemaMismatch("the database has no schema yet: run `berth migrate`")
        applied = await _applied(connection)
    finally:
        await connection.close()
    _compare(applied, migrations)
    missing = [f"{migration.number:04}_{migration.name}" for migration in migrations if migration.number not in applied]
    if missing:
        raise SchemaMismatch(f"the database lacks {', '.join(missing)}: run `berth migrate`")


async def _applied(connection: Any) -> dict[int, tuple[str, str]]:
    rows = await connection.fetch(APPLIED)
    return {row["number"]: (row["name"], row["sha256"]) for row in rows}


def _compare(applied: dict[int, tuple[str, str]], migrations: Sequence[Migration]) -> None:
    known = {migration.number: migration for migration in migrations}
    for number, (name, sha256) in sorted(applied.items()):
        if number not in known:
            raise SchemaMismatch(f"the database has {number:04}_{name}, which this version of Berth does not know")
        if known[number].sha256 != sha256:
            raise SchemaMismatch(f"{number:04}_{name}.sql was changed after it was applied to this database")
