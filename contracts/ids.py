"""Names of things, each a type of its own so that one cannot stand in for another."""

from typing import Annotated, NewType

from pydantic import Field, StringConstraints

OperatorId = NewType("OperatorId", str)
CarParkId = NewType("CarParkId", str)
DeviceId = NewType("DeviceId", str)
SignId = NewType("SignId", str)
OrderId = NewType("OrderId", str)
SpaceLabel = NewType("SpaceLabel", str)
ZoneLabel = NewType("ZoneLabel", str)
LaneLabel = NewType("LaneLabel", str)
SpaceNumber = NewType("SpaceNumber", int)
"""Our own dense integer for a space: what the hot path keys on instead of (car park, label)."""

SLUG_PATTERN = r"^[a-z0-9-]{1,64}$"
"""Operator, car park, device and sign ids, as their owners choose them."""

LABEL_PATTERN = r"^[^\x00-\x1f\x7f/+#]{1,32}$"
"""Space, zone and lane labels as painted on the wall; no control characters and nothing special in a topic."""

Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN)]
Label = Annotated[str, StringConstraints(pattern=LABEL_PATTERN, strip_whitespace=True)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
