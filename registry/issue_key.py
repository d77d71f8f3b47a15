"""API keys of operators: issue, rotate with an overlap, revoke. The text of a key exists only in the answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.ids import DeviceId, OperatorId
from kernel.api_keys import StoredKey, new_api_key
from kernel.callers import OPERATOR_SCOPES
from kernel.db import Tx
from registry.errors import REFUSALS
from registry.sql import audit, keys


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh key: `text` is shown once and stored nowhere."""

    stored: StoredKey
    name: str
    text: str
    created_at: datetime


async def issue_key(
    tx: Tx,
    operator: OperatorId | None,
    *,
    name: str,
    actor: str,
    scopes: frozenset[str] = OPERATOR_SCOPES,
    expires_at: datetime | None = None,
    device: DeviceId | None = None,
) -> Issued:
    """A new key for `operator`, None = for every operator, or for one `device` of theirs. Raises UnknownOperator."""
    fresh = new_api_key(tx.now)
    stored = StoredKey(fresh.key_id, operator, fresh.secret_sha256, scopes, expires_at, device=device)
    with tx.guard(REFUSALS, operator=operator, device=device):
        await keys.insert_key(tx, stored, name=name)
    await audit.record(
        tx,
        actor=actor,
        operator=operator,
        action="key.issue",
        subject=f"key/{stored.id}",
        detail={"name": name, "scopes": sorted(scopes)} | ({"device": device} if device else {}),
    )
    return Issued(stored, name, fresh.text, tx.now)


async def rotate_key(tx: Tx, old: StoredKey, *, name: str, actor: str, overlap: timedelta) -> Issued:
    """A successor with the same operator, scopes and end; `old` keeps working for `overlap`, then expires."""
    successor = await issue_key(
        tx,
        None if old.operator is None else OperatorId(old.operator),
        name=name,
        actor=actor,
        scopes=old.scopes,
        expires_at=old.expires_at,
        device=None if old.device is None else DeviceId(old.device),
    )
    await keys.expire_key(tx, old.id, tx.now + overlap)
    await audit.record(
        tx,
        actor=actor,
        operator=old.operator,
        action="key.rotate",
        subject=f"key/{old.id}",
        detail={"successor": successor.stored.id, "overlap_s": overlap.total_seconds()},
    )
    return successor


async def revoke_key(tx: Tx, key: StoredKey, *, actor: str) -> None:
    """The key stops working now (within the edge's few seconds of memory)."""
    await keys.revoke_key(tx, key.id, tx.now)
    await audit.record(tx, actor=actor, operator=key.operator, action="key.revoke", subject=f"key/{key.id}")
