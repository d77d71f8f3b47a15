"""`/v1/operator/billing-policy` and `/v1/operator/car-parks/{car_park}/billing-policy`: how a city and its car parks
bill.
"""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from billing.errors import CityWide, UnknownCarPark
from billing.policy import BillingPolicy
from billing.set_policy import set_city_policy, set_policy
from billing.sql import policies as sql
from contracts.audit import RecordAudit
from contracts.ids import CarParkId, Slug
from kernel.db import Database, Tx
from kernel.http import OPERATE, Caller, operation
from kernel.moments import Moment


class BillingPolicyView(BaseModel):
    """What holds, and who said it: the car park itself (`own`), the city (`city`), or nobody (`defaults`)."""

    model_config = ConfigDict(frozen=True)

    car_park: str | None = Field(description="Null: the city.")
    policy: BillingPolicy
    own: list[str]
    city: list[str]
    defaults: list[str]
    updated_at: Moment | None = Field(description="Null: it has said nothing.")

    @classmethod
    def of(
        cls, car_park: str | None, city: Mapping[str, Any] | None, own: Mapping[str, Any] | None, updated_at: Any
    ) -> Self:
        mine, above = set(own or {}), set(city or {})
        return cls(
            car_park=car_park,
            policy=BillingPolicy.merged(city, own),
            own=sorted(mine),
            city=sorted(above - mine),
            defaults=[name for name in BillingPolicy.model_fields if name not in mine | above],
            updated_at=updated_at,
        )


class BillingPoliciesApi:
    """Numbers instead of rules in code; every write is audited."""

    def __init__(self, db: Database, record_audit: RecordAudit) -> None:
        self._db = db
        self._record_audit = record_audit

    @operation(
        get="/v1/operator/billing-policy",
        summary="How the city bills",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: BillingPolicyView},
    )
    async def city(self) -> BillingPolicyView:
        """Of every car park that says nothing else."""
        async with self._db.transaction(readonly=True) as tx:
            return await _city(tx)

    @operation(
        put="/v1/operator/billing-policy",
        summary="Set how the city bills",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: BillingPolicyView},
        problems=(CityWide,),
    )
    async def put_city(self, caller: Caller, wanted: BillingPolicy) -> BillingPolicyView:
        """Needs credentials that cover every operator. What is left out is the default from now on."""
        async with self._db.transaction() as tx:
            await set_city_policy(tx, caller, wanted, self._record_audit)
            return await _city(tx)

    @operation(
        get="/v1/operator/car-parks/{car_park}/billing-policy",
        summary="How a car park bills",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: BillingPolicyView},
        problems=(UnknownCarPark,),
    )
    async def one(self, caller: Caller, car_park: Slug) -> BillingPolicyView:
        """All of it, with who said what."""
        async with self._db.transaction(readonly=True) as tx:
            return await _own(tx, caller, car_park)

    @operation(
        put="/v1/operator/car-parks/{car_park}/billing-policy",
        summary="Set how a car park bills",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: BillingPolicyView},
        problems=(UnknownCarPark,),
    )
    async def put(self, caller: Caller, car_park: Slug, wanted: BillingPolicy) -> BillingPolicyView:
        """What is left out goes by the city's policy from now on. Charges already made keep their shares and dates."""
        async with self._db.transaction() as tx:
            await set_policy(tx, caller, CarParkId(car_park), wanted, self._record_audit)
            return await _own(tx, caller, car_park)


async def _city(tx: Tx) -> BillingPolicyView:
    row = await sql.city(tx)
    said = (None, None) if row is None else (row["policy"], row["updated_at"])
    return BillingPolicyView.of(None, said[0], None, said[1])


async def _own(tx: Tx, caller: Caller, car_park: str) -> BillingPolicyView:
    row = await sql.own_car_park(tx, CarParkId(car_park), caller)
    if row is None:
        raise UnknownCarPark(car_park=car_park)
    return BillingPolicyView.of(car_park, row["city_policy"], row["own_policy"], row["updated_at"])
