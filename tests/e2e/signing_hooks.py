"""Loaded by schemathesis: reports speak of a car park that there is, and are signed last, as they go out.

One request in eight stays as it was generated, so that strangers and bad signatures are tried as well.
"""

import itertools
import os
from typing import Any

import requests
import schemathesis
from requests.auth import AuthBase

from tests.integration.gateway.site import signed

KEY, CAR_PARK, CAMERA = os.environ["FUZZ_REPORTS"].split(" ")  # noqa: TID251 - from the test into this process
_requests = itertools.count(1)


class Signer(AuthBase):
    """Signs a prepared request."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        if not isinstance(body, bytes | str):
            raise TypeError("a stream cannot be signed")
        raw = body.encode() if isinstance(body, str) else body
        request.headers.update(signed(KEY, request.path_url, raw))
        return request


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    del context
    path = case.operation.path
    if not path.startswith("/v1/ingest/") or next(_requests) % 8 == 0:
        return
    if path.startswith("/v1/ingest/hikvision/"):
        case.path_parameters = {**case.path_parameters, "device": CAMERA}
        if "key" in case.path_parameters:
            case.path_parameters = {**case.path_parameters, "key": KEY}
        kwargs["auth"] = (CAMERA, KEY)
    else:
        case.query = {**case.query, "car_park": CAR_PARK}
        kwargs["auth"] = Signer()
