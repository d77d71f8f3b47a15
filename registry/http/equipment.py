"""`/v1/operator/devices` and `/v1/operator/signs`."""

from typing import Annotated

from pydantic import StringConstraints

from contracts.ids import DeviceId, SignId, Slug
from contracts.positions import Datum
from kernel.db import Database
from kernel.http import (
    LIMIT_DEFAULT,
    OPERATE,
    Caller,
    Created,
    Cursor,
    Limit,
    NoContent,
    Page,
    after_id,
    operation,
    page_by,
)
from registry.errors import (
    DeviceTaken,
    UnknownCarPark,
    UnknownDevice,
    UnknownLane,
    UnknownOperator,
    UnknownProfile,
    UnknownSign,
    UnknownSpace,
    UnknownZone,
)
from registry.http.car_parks import PathId
from registry.profiles import Profiles
from registry.register_device import DeviceIn, own_device, register_device, remove_device
from registry.register_sign import SignIn, own_sign, register_sign, remove_sign
from registry.sql import devices
from registry.views import DeviceView, SignView

PathDevice = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
"""A device is called what its network calls it: a DevEUI, a serial number, a slug."""


class DevicesApi:
    """Sensors, counters and cameras."""

    def __init__(self, db: Database, profiles: Profiles) -> None:
        self._db = db
        self._profiles = profiles

    @operation(
        get="/v1/operator/devices",
        summary="My devices",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[DeviceView]},
    )
    async def list(
        self, caller: Caller, car_park: Slug | None = None, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> Page[DeviceView]:
        """By id."""
        async with self._db.transaction(readonly=True) as tx:
            rows = await devices.page_of_devices(
                tx, caller.covered, car_park=car_park, after=after_id(cursor), limit=limit + 1
            )
        return page_by("id", rows, limit, DeviceView.of)

    @operation(
        get="/v1/operator/devices/{device}",
        summary="One of my devices",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: DeviceView},
        problems=(UnknownDevice,),
    )
    async def one(self, caller: Caller, device: PathDevice) -> DeviceView:
        """In the shape that may be PUT back."""
        async with self._db.transaction(readonly=True) as tx:
            return DeviceView.of(await own_device(tx, caller, DeviceId(device)))

    @operation(
        put="/v1/operator/devices/{device}",
        summary="Set up or change a device",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: DeviceView, 201: DeviceView},
        problems=(UnknownDevice, UnknownCarPark, UnknownSpace, UnknownZone, UnknownLane, UnknownProfile, DeviceTaken),
    )
    async def put(self, caller: Caller, device: PathDevice, wanted: DeviceIn) -> DeviceView | Created[DeviceView]:
        """`profile` names its decoder; `space` or `zone` what it watches, neither = the whole car park."""
        async with self._db.transaction() as tx:
            is_new = await register_device(tx, self._profiles, caller, DeviceId(device), wanted)
            view = DeviceView.of(await own_device(tx, caller, DeviceId(device)))
        return Created(f"/v1/operator/devices/{device}", view) if is_new else view

    @operation(
        delete="/v1/operator/devices/{device}",
        summary="Remove a device",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownDevice,),
    )
    async def delete(self, caller: Caller, device: PathDevice) -> NoContent:
        """What it reported stays; what it still sends is refused."""
        async with self._db.transaction() as tx:
            await remove_device(tx, caller, DeviceId(device))
        return NoContent()


class OperatorSignsApi:
    """Guidance signs as their operators set them up."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @operation(
        get="/v1/operator/signs",
        summary="My signs",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[SignView]},
    )
    async def list(
        self, caller: Caller, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None, datum: Datum = Datum.WGS84
    ) -> Page[SignView]:
        """By id."""
        async with self._db.transaction(readonly=True) as tx:
            rows = await devices.page_of_signs(tx, caller.covered, after=after_id(cursor), limit=limit + 1)
        return page_by("id", rows, limit, lambda row: SignView.of(row, datum))

    @operation(
        get="/v1/operator/signs/{sign}",
        summary="One of my signs",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: SignView},
        problems=(UnknownSign,),
    )
    async def one(self, caller: Caller, sign: PathId, datum: Datum = Datum.WGS84) -> SignView:
        """In the shape that may be PUT back."""
        async with self._db.transaction(readonly=True) as tx:
            return SignView.of(await own_sign(tx, caller, SignId(sign)), datum)

    @operation(
        put="/v1/operator/signs/{sign}",
        summary="Set up or change a sign",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: SignView, 201: SignView},
        problems=(UnknownSign, UnknownOperator, UnknownCarPark),
    )
    async def put(self, caller: Caller, sign: PathId, wanted: SignIn) -> SignView | Created[SignView]:
        """`tier` is `trunk`, `junction` or `entrance`; `car_parks` may be any operator's."""
        async with self._db.transaction() as tx:
            is_new = await register_sign(tx, caller, SignId(sign), wanted)
            view = SignView.of(await own_sign(tx, caller, SignId(sign)), wanted.position.datum)
        return Created(f"/v1/operator/signs/{sign}", view) if is_new else view

    @operation(
        delete="/v1/operator/signs/{sign}",
        summary="Remove a sign",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownSign,),
    )
    async def delete(self, caller: Caller, sign: PathId) -> NoContent:
        """It is no longer driven."""
        async with self._db.transaction() as tx:
            await remove_sign(tx, caller, SignId(sign))
        return NoContent()
