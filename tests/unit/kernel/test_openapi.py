"""The API description: valid OpenAPI 3.1, complete, and with nothing in it twice."""

import enum
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

import orjson
import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, ConfigDict, Field, RootModel

from kernel.db import Tx
from kernel.http import Caller, Created, Header, Moment, NoContent, Page, operation, operations_of
from kernel.money import Money
from kernel.openapi import describe
from kernel.problems import Problem

T = TypeVar("T")


class Kind(enum.StrEnum):
    MALL = "mall"
    OFFICE = "office"


class Full(Problem):
    """Nothing is free"""

    status = 409
    slug = "full"


class Gone(Problem):
    """It is no longer there"""

    status = 409
    slug = "gone"


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []


class Square(BaseModel):
    shape: Literal["square"]
    side: float


class Circle(BaseModel):
    shape: Literal["circle"]
    radius: float


class Box(BaseModel, Generic[T]):
    inside: T | None = None


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    from_: Annotated[Moment, Field(alias="from")]
    shape: Annotated[Square | Circle, Field(discriminator="shape")]
    price: Money | None = None


class View(BaseModel):
    id: str
    at: datetime
    kind: Kind
    tree: Tree
    boxed: Box[Tree]


class Numbers(RootModel[dict[str, int]]):
    """Numbers by name."""


class EverythingApi:
    @operation(get="/v1/views/{view}", summary="A view", tags=("views",), responses={200: View}, etag=True)
    async def one(
        self,
        view: Annotated[str, Field(pattern="^[a-z]+$", description="Which one.")],
        kind: Kind = Kind.MALL,
        from_: datetime | None = None,
        tag: list[str] | None = None,
    ) -> View:
        """One view.

        With a second paragraph.
        """
        raise NotImplementedError

    @operation(get="/v1/views", summary="Views", tags=("views",), responses={200: Page[View]})
    async def many(self, limit: Annotated[int, Field(ge=1, le=100)] = 20) -> Page[View]:
        raise NotImplementedError

    @operation(
        post="/v1/views",
        summary="Make",
        scopes={"reserve"},
        idempotent=True,
        responses={201: View, 409: Full | Gone},
        examples={"round": {"from": "2026-11-23T08:00:00+08:00", "shape": {"shape": "circle", "radius": 1}}},
    )
    async def make(self, tx: Tx, caller: Caller, wanted: Wanted) -> Created[View]:
        raise NotImplementedError

    @operation(put="/v1/views/{view:[a-z]+}", summary="Set", scopes={"operate"}, responses={200: View, 201: View})
    async def put(self, view: str, wanted: Square | Circle, trace: Annotated[str, Header("X-Trace")]) -> View:
        raise NotImplementedError

    @operation(patch="/v1/numbers", summary="Numbers", responses={200: Numbers})
    async def numbers(self, caller: Caller, numbers: Numbers | None = None) -> Numbers:
        raise NotImplementedError

    @operation(delete="/v1/views/{view:[a-z]+}", summary="Drop", scopes={"operate"}, responses={204: None})
    async def drop(self, view: str) -> NoContent:
        raise NotImplementedError

    @operation(get="/v1/live", summary="Live", responses={200: "text/event-stream"})
    async def live(self, request: web.Request) -> web.StreamResponse:
        raise NotImplementedError


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made = describe(operations_of(EverythingApi()), version="1.2.3")
    loaded: dict[str, Any] = orjson.loads(orjson.dumps(made))
    return loaded


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == "1.2.3"


def test_without_operations_it_is_valid_too() -> None:
    OpenAPIV31SpecValidator(orjson.loads(orjson.dumps(describe([], version="0")))).validate()


def test_models_are_components_once(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {"View", "PageOfView", "Tree", "Square", "Circle", "Money", "Problem", "Fault"} <= set(schemas)
    assert not [name for name in schemas if name.endswith(("-Input", "-Output"))]
    body = document["paths"]["/v1/views"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/Wanted"}
    assert "from" in schemas["Wanted"]["properties"]
    assert body["examples"]["round"]["value"]["shape"]["radius"] == 1


def test_parameters_say_all_they_ask_for(document: dict[str, Any]) -> None:
    parameters = {
        each["name"]: each for each in document["paths"]["/v1/views/{view}"]["get"]["parameters"] if "name" in each
    }
    assert list(parameters) == ["view", "kind", "from", "tag"]
    assert parameters["view"]["description"] == "Which one."
    assert parameters["view"]["required"] is True
    assert parameters["kind"]["schema"]["default"] == "mall"
    assert parameters["kind"]["required"] is False
    assert parameters["from"]["schema"]["format"] == "date-time"
    assert parameters["tag"]["schema"] == {"type": "array", "items": {"type": "string"}}
    many = document["paths"]["/v1/views"]["get"]["parameters"][0]["schema"]
    assert many == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    put = document["paths"]["/v1/views/{view}"]["put"]["parameters"]
    assert {"X-Trace"} == {each["name"] for each in put if each.get("in") == "header"}


def test_every_problem_is_told_under_its_status(document: dict[str, Any]) -> None:
    responses = document["paths"]["/v1/views"]["post"]["responses"]
    assert set(responses) == {*("201", "400", "401", "403", "406", "409", "413", "415", "422", "429", "500", "default")}
    examples = responses["409"]["content"]["application/problem+json"]["examples"]
    assert set(examples) == {"full", "gone", "still-running"}
    assert examples["full"]["value"]["title"] == "Nothing is free"
    open_get = document["paths"]["/v1/views"]["get"]["responses"]
    assert not {"401", "403", "409", "413", "422"} & set(open_get)


def test_security_follows_the_scopes(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert paths["/v1/views"]["get"]["security"] == [{}]
    assert paths["/v1/views"]["post"]["security"] == [{"driverToken": ["reserve"]}]
    assert [*paths["/v1/views/{view}"]["put"]["security"][0]] == ["operatorKey"]
    assert {} in paths["/v1/numbers"]["patch"]["security"]
    assert {"driverToken": []} in paths["/v1/numbers"]["patch"]["security"]


def test_headers_streams_and_conditions(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert "Location" in paths["/v1/views"]["post"]["responses"]["201"]["headers"]
    assert "304" in paths["/v1/views/{view}"]["get"]["responses"]
    assert list(paths["/v1/live"]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]
    assert "content" not in paths["/v1/views/{view}"]["delete"]["responses"]["204"]
    assert paths["/v1/numbers"]["patch"]["requestBody"]["required"] is False
    assert paths["/v1/views/{view}"]["get"]["description"].startswith("One view.")


def test_two_models_of_one_name_are_told_apart_by_their_service() -> None:
    class AView(BaseModel):
        a: int

    class BView(BaseModel):
        b: int

    for model, module in ((AView, "garage.views"), (BView, "street.views")):
        model.__module__, model.__qualname__, model.__name__ = module, "PlaceView", "PlaceView"
        model.model_rebuild(force=True)

    class PlacesApi:
        @operation(get="/v1/garages", summary="Garages", responses={200: Page[AView]})
        async def garages(self) -> Page[AView]:
            raise NotImplementedError

        @operation(get="/v1/streets", summary="Streets", responses={200: Page[BView]})
        async def streets(self) -> Page[BView]:
            raise NotImplementedError

    document = describe(operations_of(PlacesApi()), version="0")
    OpenAPIV31SpecValidator(orjson.loads(orjson.dumps(document))).validate()
    names = set(document["components"]["schemas"]) - {"Problem", "Fault"}
    assert names == {"GaragePlaceView", "StreetPlaceView", "PageOfGaragePlaceView", "PageOfStreetPlaceView"}


def test_a_model_may_not_take_the_name_of_a_shared_part() -> None:
    class Fault(BaseModel):
        n: int

    class BadApi:
        @operation(get="/v1/faults", summary="Faults", responses={200: Fault})
        async def one(self) -> Fault:
            raise NotImplementedError

    with pytest.raises(TypeError, match="Fault"):
        describe(operations_of(BadApi()), version="0")
