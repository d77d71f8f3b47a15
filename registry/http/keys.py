"""`/v1/operator/keys`: API keys, shown once."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.ids import DeviceId, OperatorId, Slug
from kernel.api_keys import StoredKey
from kernel.callers import INGEST_SCOPE
from kernel.db import Database, Row, Tx
from kernel.edge_problems import MalformedBody
from kernel.http import (
    LIMIT_DEFAULT,
    OPERATE,
    Caller,
    Created,
    Cursor,
    Limit,
    Moment,
    NoContent,
    Page,
    after_id,
    operation,
    page_by,
)
from registry.bodies import Text, Wanted
from registry.errors import UnknownDevice, UnknownKey, UnknownOperator
from registry.issue_key import Issued, issue_key, revoke_key, rotate_key
from registry.register_device import own_device
from registry.sql import keys
from registry.views import IssuedKey, KeyView

OVERLAP_S_MAX = 90 * 86_400
"""A quarter is enough to visit every barrier."""
OVERLAP_S_DEFAULT = 86_400

PathKey = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class KeyIn(BaseModel):
    """A key to issue. `operator` null covers every operator and takes a key that does so itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator: Slug | None = Field(default=None, description="May be left out by a key of a single operator.")
    name: Text = "key"
    device: str | None = Field(default=None, description="Only for this device, which reports: scope `ingest`.")
    scopes: Annotated[
        frozenset[Literal["read", "operate", "ingest"]],
        Field(min_length=1, description="`ingest` reports by signed push. By default read and operate."),
    ] = frozenset({"read", "operate"})
    expires_at: Moment | None = None


class RotateIn(Wanted):
    """For how long the old key still works."""

    overlap_s: Annotated[int, Field(ge=0, le=OVERLAP_S_MAX)] = OVERLAP_S_DEFAULT
    name: Text | None = None


class KeysApi:
    """Keys with which operators' systems call."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @operation(
        post="/v1/operator/keys",
        summary="Issue an API key",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={201: IssuedKey},
        problems=(UnknownOperator, UnknownDevice),
    )
    async def issue(self, tx: Tx, caller: Caller, wanted: KeyIn) -> Created[IssuedKey]:
        """`key` is shown in this answer only; it cannot be read again."""
        operator = wanted.operator
        if wanted.device is not None:
            operator = await _operator_of_device(tx, caller, wanted)
        elif operator is None and caller.operators is not None:
            operator = next(iter(caller.operators)) if len(caller.operators) == 1 else None
            if operator is None:
                raise MalformedBody.of("operator", "is required with credentials that cover several operators")
        if operator is not None and not caller.may_manage(operator):
            raise UnknownOperator(operator=operator)
        if wanted.expires_at is not None and wanted.expires_at <= tx.now:
            raise MalformedBody.of("expires_at", "lies in the past", wanted.expires_at.isoformat())
        issued = await issue_key(
            tx,
            None if operator is None else OperatorId(operator),
            name=wanted.name,
            actor=caller.principal,
            scopes=frozenset(wanted.scopes) if wanted.device is None else frozenset({INGEST_SCOPE}),
            expires_at=wanted.expires_at,
            device=None if wanted.device is None else DeviceId(wanted.device),
        )
        return _created(issued)

    @operation(
        get="/v1/operator/keys",
        summary="My API keys",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[KeyView]},
    )
    async def list(self, caller: Caller, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Page[KeyView]:
        """In the order they were made, revoked ones too; never the key itself."""
        async with self._db.transaction(readonly=True) as tx:
            rows = await keys.page_of_keys(tx, caller.covered, after=after_id(cursor), limit=limit + 1)
        return page_by("id", rows, limit, KeyView.of)

    @operation(
        post="/v1/operator/keys/{key}/rotate",
        summary="Replace an API key",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={201: IssuedKey},
        problems=(UnknownKey,),
    )
    async def rotate(self, tx: Tx, caller: Caller, key: PathKey, wanted: RotateIn) -> Created[IssuedKey]:
        """A successor with the same rights; the old key still works for `overlap_s`."""
        row = await _own_key(tx, caller, key)
        issued = await rotate_key(
            tx,
            _stored(row),
            name=wanted.name or row["name"],
            actor=caller.principal,
            overlap=timedelta(seconds=wanted.overlap_s),
        )
        return _created(issued)

    @operation(
        delete="/v1/operator/keys/{key}",
        summary="Revoke an API key",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownKey,),
    )
    async def delete(self, caller: Caller, key: PathKey) -> NoContent:
        """It stops working within three seconds."""
        async with self._db.transaction() as tx:
            await revoke_key(tx, _stored(await _own_key(tx, caller, key)), actor=caller.principal)
        return NoContent()


async def _operator_of_device(tx: Tx, caller: Caller, wanted: KeyIn) -> str:
    """Whose the device is. Raises UnknownDevice, MalformedBody."""
    operator: str = (await own_device(tx, caller, DeviceId(wanted.device or "")))["operator"]
    if wanted.operator is not None and wanted.operator != operator:
        raise MalformedBody.of("operator", f"the device is run by {operator}", wanted.operator)
    if "scopes" in wanted.model_fields_set and wanted.scopes != {INGEST_SCOPE}:
        raise MalformedBody.of("scopes", f"a key of one device has the scope {INGEST_SCOPE} and no other")
    return operator


async def _own_key(tx: Tx, caller: Caller, key: str) -> Row:
    """A key that `caller` covers. Raises UnknownKey."""
    row = await keys.lock_key(tx, key, caller.covered)
    if row is None:
        raise UnknownKey(key=key)
    return row


def _stored(row: Row) -> StoredKey:
    return StoredKey(
        id=row["id"],
        operator=row["operator"],
        device=row["device"],
        secret_sha256=b"",
        scopes=frozenset(row["scopes"]),
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )


def _created(issued: Issued) -> Created[IssuedKey]:
    stored = issued.stored
    return Created(
        f"/v1/operator/keys/{stored.id}",
        IssuedKey(
            id=stored.id,
            operator=stored.operator,
            device=stored.device,
            name=issued.name,
            scopes=sorted(stored.scopes),
            created_at=issued.created_at,
            expires_at=stored.expires_at,
            revoked_at=None,
            key=issued.text,
        ),
    )
