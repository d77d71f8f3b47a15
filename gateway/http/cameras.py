"""`/v1/ingest/hikvision/{device}`: where such cameras post what they see. Kept first, answered then, understood after.

What a camera can do decides how it proves who it is (decision 0017): its settings have an address and perhaps a user
and a password, so its key stands at the end of the address, or is the password of HTTP Basic. HTTP Digest would need
the password itself on our side.
"""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Final

from aiohttp import ClientPayloadError, web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.cameras.form import EventPart, FormReader
from gateway.cameras.topics import HIKVISION
from gateway.errors import SpoolFull, UnknownDevice
from gateway.spool import keep_in_spool
from gateway.sql import spool as sql
from kernel.access_problems import Unauthenticated
from kernel.api_keys import KeyChecker
from kernel.callers import INGEST_SCOPE, Caller
from kernel.db import Database
from kernel.edge_problems import BodyTooLarge, BodyTooSlow
from kernel.http import operation

FORM_BYTES_MAX: Final = 16 * 1024 * 1024
"""Three pictures of the best cameras; they are passed over as they arrive. What lies beyond is not read."""
FORM_READ_S_MAX: Final = 30.0
"""A camera on a mobile line takes seconds; what trickles in for longer holds a connection for nothing."""

PathDevice = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
PathKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    Field(description="A key of scope `ingest`, best of one device."),
]
_ALERT: Final[dict[str, Any]] = {"schema": {"type": "string"}}
TAKES: Final[dict[str, Any]] = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "description": "`EventNotificationAlert` in a part of XML or JSON, and pictures, which are not kept.",
        }
    },
    "application/xml": _ALERT,
    "application/json": {"schema": {"type": "object"}},
}
PROBLEMS = (Unauthenticated, UnknownDevice, SpoolFull, BodyTooLarge, BodyTooSlow)


class SpooledView(BaseModel):
    """The event is kept under `spooled` and will be recorded; of several in one request it is the first."""

    model_config = ConfigDict(frozen=True)

    spooled: str


class CamerasApi:
    """What cameras post. Answered with 200 once it is kept, whatever it turns out to be: they do not send again."""

    def __init__(self, db: Database, keys: KeyChecker) -> None:
        self._db = db
        self._keys = keys

    @operation(
        post="/v1/ingest/hikvision/{device}/{key}",
        summary="What a Hikvision camera sees, its key in the address",
        tags=("ingest",),
        responses={200: SpooledView},
        problems=PROBLEMS,
        takes=TAKES,
        for_devices=True,
    )
    async def by_address(self, request: web.Request, device: PathDevice, key: PathKey) -> SpooledView:
        """For cameras without authentication in their alarm server's settings. The address is a secret: use TLS."""
        return await self._keep(request, device, await self._keys.caller(key))

    @operation(
        post="/v1/ingest/hikvision/{device}",
        summary="What a Hikvision camera sees, its key as a password",
        tags=("ingest",),
        responses={200: SpooledView},
        problems=PROBLEMS,
        takes=TAKES,
        for_devices=True,
    )
    async def by_password(self, request: web.Request, device: PathDevice) -> SpooledView:
        """HTTP Basic: any user name, the key as the password. Use TLS."""
        return await self._keep(request, device, await self._keys.caller(_password(request)))

    async def _keep(self, request: web.Request, device: str, caller: Caller) -> SpooledView:
        caller.require({INGEST_SCOPE})
        if caller.device not in (None, device):
            raise UnknownDevice(device=device)
        async with self._db.transaction(readonly=True) as tx:
            if not await sql.speaks(tx, device, HIKVISION, caller.covered):
                raise UnknownDevice(device=device)
        form = FormReader(request.headers.get("Content-Type", ""))
        try:
            await _feed(form, request)
        except (ConnectionError, ClientPayloadError):
            form.feed(_arrived(request))
            if form.events:
                return await self._spool(device, form)
            raise
        except (BodyTooLarge, BodyTooSlow):
            if form.events:  # whole, whatever became of its pictures: the camera does not send it again
                return await self._spool(device, form)
            raise
        form.finish()
        return await self._spool(device, form)

    async def _spool(self, device: str, form: FormReader) -> SpooledView:
        events: Sequence[EventPart] = form.events or (EventPart(b"", 0),)
        async with self._db.transaction() as tx:
            first, *_ = [await keep_in_spool(tx, device, event.payload, event.size) for event in events]
        return SpooledView(spooled=first)


async def _feed(form: FormReader, request: web.Request) -> None:
    """Read what the camera sends. Raises BodyTooLarge, BodyTooSlow, and what a line raises that was cut."""
    size = 0
    try:
        async with asyncio.timeout(FORM_READ_S_MAX):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > FORM_BYTES_MAX:
                    raise BodyTooLarge(f"at most {FORM_BYTES_MAX} bytes are read here", limit_bytes=FORM_BYTES_MAX)
                form.feed(chunk)
    except TimeoutError:
        raise BodyTooSlow(f"the event did not arrive within {FORM_READ_S_MAX:.0f} s") from None


def _arrived(request: web.Request) -> bytes:
    """What had arrived when the line was cut; aiohttp has no public way to it once a read would raise."""
    return request.content._read_nowait(-1)


def _password(request: web.Request) -> str:
    """Raises Unauthenticated, and says how to authenticate."""
    asks = {"WWW-Authenticate": 'Basic realm="berth", charset="UTF-8"'}
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated("send the device's key as the password of HTTP Basic", headers=asks)
    try:
        _, _, password = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Unauthenticated("the credentials are not those of HTTP Basic", headers=asks) from None
    return password
