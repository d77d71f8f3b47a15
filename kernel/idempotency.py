"""Same key, one effect: a POST that promises or charges may be repeated and gives its first answer again.

After draft-ietf-httpapi-idempotency-key-header-07, as Stripe does it. Unique is (principal, route, key); the row with
the answer is inserted in the effect's own transaction, so that there is never an effect without its answer or an
answer without its effect, even when the process dies between COMMIT and the answer.

Two requests with one key at a time: an advisory lock for the transaction lets the second see at once that the first is
still running (409) instead of waiting on the unique index; should the lock ever fail us, the primary key refuses the
second effect.

An answer is kept when the effect was committed. A refusal (a problem) rolls back, key and all: nothing happened, so a
repetition with the same key simply tries again, and may well succeed when the reason has gone.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kernel.answers import Answer
from kernel.db import Database, Row, Tx
from kernel.db_errors import is_victim
from kernel.edge_problems import IdempotencyKeyMissing, IdempotencyKeyReused, InvalidParameter, StillRunning
from kernel.service import Loop
from kernel.sql_text import bytes_literal, json_literal, moment_literal, text_literal

KEY_HEADER = "Idempotency-Key"
KEY_CHARACTERS_MAX = 255
ATTEMPTS_MAX = 3
"""Of an effect that the database undoes in favour of another transaction."""
KEPT_FOR = timedelta(hours=72)
"""Longer than any client retries, over a weekend."""
NONCE_BYTES = 12
PURGE_ROWS_MAX = 5_000
"""Rows deleted in one sweep: a short transaction, repeated."""
PURGE_EVERY_S = 10.0
"""500 answers a second go as fast as a busy city makes them."""

NEW = """
SELECT WHERE NOT EXISTS (SELECT FROM kernel.idempotency
                          WHERE principal = {principal} AND route = {route} AND key = {key})
   AND pg_try_advisory_xact_lock({lock})
"""
"""One row: nobody has asked before, and the key's lock was free. Travels with the BEGIN."""

KEPT = """
-- What was answered.
SELECT body_sha256, status, headers, answer FROM kernel.idempotency WHERE principal = $1 AND route = $2 AND key = $3
"""

KEEP = """
INSERT INTO kernel.idempotency (principal, route, key, body_sha256, status, headers, answer, created_at)
VALUES ({principal}, {route}, {key}, {request}, {status}, {headers}, {body}, {now})
"""
"""The answer beside its effect. Travels with the COMMIT."""

PURGE = """
-- Forget answers that nobody will ask for again, oldest first.
DELETE FROM kernel.idempotency
 WHERE (principal, route, key) IN (
       SELECT principal, route, key FROM kernel.idempotency
        WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """What identifies one repeatable request: who, which operation, which key, and the hash of all it says."""

    principal: str
    route: str
    key: str
    request_sha256: bytes

    @property
    def lock(self) -> int:
        """The advisory lock's number: 64 bits of a hash, signed as PostgreSQL wants it."""
        return int.from_bytes(self._digest("lock")[:8], "big", signed=True)

    @property
    def kept_as(self) -> str:
        """What stands in the table for the key, which itself opens answers and is stored nowhere."""
        return self._digest("name").hex()

    def seal(self, body: bytes) -> bytes:
        """`body` under AES-256-GCM with a key made from the caller's own, as good as that is random."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._digest("seal")).encrypt(nonce, body, None)

    def unseal(self, kept: bytes) -> bytes:
        """What `seal` was given."""
        return AESGCM(self._digest("seal")).decrypt(kept[:NONCE_BYTES], kept[NONCE_BYTES:], None)

    def _digest(self, purpose: str) -> bytes:
        return hashlib.sha256("\0".join((purpose, self.principal, self.route, self.key)).encode()).digest()


def key_of(request: web.Request) -> str:
    """The request's Idempotency-Key. Raises IdempotencyKeyMissing, InvalidParameter."""
    given = request.headers.getall(KEY_HEADER, ())
    if not given:
        raise IdempotencyKeyMissing(
            f"send the header {KEY_HEADER} with a fresh value such as a UUID, and the same value when you try again"
        )
    key = given[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]  # the draft writes it as a structured-field string
    if len(given) > 1 or not 0 < len(key) <= KEY_CHARACTERS_MAX or not key.isascii() or not key.isprintable():
        raise InvalidParameter.of(
            "header", KEY_HEADER, f"must be given once, with 1 to {KEY_CHARACTERS_MAX} printable ASCII characters"
        )
    return key


async def once(database: Database, claim: Claim, effect: Callable[[Tx], Awaitable[Answer]]) -> tuple[Answer, bool]:
    """The answer of `effect`, committed at most once for `claim`, and whether it is a repetition.

    It is run again where the database undid it in favour of another transaction.

    The answer is kept so that only whoever knows the key can read it: it may hold a secret or a plate, and it stands in
    the text of a statement, which servers write into their logs when it fails.

    Opens the transaction that key, effect and answer share. Raises StillRunning, IdempotencyKeyReused, and whatever
    the effect raises.
    """
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return await _attempt(database, claim, effect)
        except Exception as error:
            if not is_victim(error):
                raise
    return await _attempt(database, claim, effect)


async def _attempt(database: Database, claim: Claim, effect: Callable[[Tx], Awaitable[Answer]]) -> tuple[Answer, bool]:
    async with database.transaction_asking(_is_new(claim)) as (tx, new):
        if not new:
            return await _known(tx, claim), True
        answer = await effect(tx)
        with tx.guard({"idempotency_key": StillRunning}, headers={"Retry-After": "1"}):
            await tx.commit_with(_keep(tx, claim, answer))
    return answer, False


def _is_new(claim: Claim) -> str:
    """Whether nobody has asked this before, or is asking it now; if so, its lock is taken."""
    principal, route = text_literal(claim.principal), text_literal(claim.route)
    return NEW.format(lock=claim.lock, principal=principal, route=route, key=text_literal(claim.kept_as))


async def _known(tx: Tx, claim: Claim) -> Answer:
    """What was answered before. Raises StillRunning, IdempotencyKeyReused."""
    kept = await tx.fetchrow(KEPT, claim.principal, claim.route, claim.kept_as)
    if kept is None:
        raise StillRunning(headers={"Retry-After": "1"})
    return _again(kept, claim)


def _keep(tx: Tx, claim: Claim, answer: Answer) -> str:
    return KEEP.format(
        principal=text_literal(claim.principal),
        route=text_literal(claim.route),
        key=text_literal(claim.kept_as),
        request=bytes_literal(claim.request_sha256),
        status=int(answer.status),
        headers=json_literal(answer.headers),
        body=bytes_literal(claim.seal(answer.body)),
        now=moment_literal(tx.now),
    )


def _again(kept: Row, claim: Claim) -> Answer:
    if kept["body_sha256"] != claim.request_sha256:
        raise IdempotencyKeyReused
    return Answer(kept["status"], kept["headers"], claim.unseal(kept["answer"]))


async def purge(tx: Tx) -> int:
    """Forget up to `PURGE_ROWS_MAX` answers older than `KEPT_FOR`; how many went."""
    return await tx.execute(PURGE, tx.now - KEPT_FOR, PURGE_ROWS_MAX)


def purge_loop(database: Database) -> Loop:
    """The loop that keeps the table small; a worker runs it."""

    async def step() -> None:
        async with database.transaction() as tx:
            await purge(tx)

    return Loop("forget idempotent answers", step, PURGE_EVERY_S)
