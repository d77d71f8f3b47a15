"""A problem's document says the same standard things whatever members ride along."""

import pytest

from kernel.pages import problem_routes
from kernel.problems import Problem


class SpaceTaken(Problem):
    """The space is taken

    Take another one,
    or come later.
    """

    status = 409
    slug = "space-taken"


def test_the_first_line_of_the_docstring_is_the_title_and_the_rest_what_to_do() -> None:
    assert SpaceTaken().document() == {
        "type": "/problems/space-taken",
        "title": "The space is taken",
        "status": 409,
        "detail": "Take another one, or come later.",
        "code": "space-taken",
    }


def test_members_ride_along_but_hide_nothing() -> None:
    document = SpaceTaken("B1-032 is taken until 18:00", space="B1-032", code="mine").document()
    assert document["space"] == "B1-032"
    assert document["code"] == "space-taken"
    assert document["detail"] == "B1-032 is taken until 18:00"


class SpaceIsTaken(Problem):
    """The same state in another's words"""

    status = 409
    slug = "space-taken"


def test_one_type_has_one_title_wherever_it_is_met() -> None:
    problem_routes([SpaceTaken, SpaceTaken])
    with pytest.raises(TypeError, match="space-taken"):
        problem_routes([SpaceTaken, SpaceIsTaken])
