"""Problems are states of the world that a caller is told about (RFC 9457): one class each, raised by verbs.

A subclass states `status` and `slug`; the first line of its docstring is the title, the rest is what is said where an
occurrence has nothing of its own to say. What is particular to one occurrence goes into `detail` (a sentence: what is
wrong and what to do) and into named members.
"""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar


class Problem(Exception):
    """Something went wrong"""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"

    def __init__(self, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        self.detail = detail or self.advice()
        super().__init__(self.detail)
        self.headers = dict(headers or {})
        self.members = members

    @classmethod
    def title(cls) -> str:
        """The first line of the docstring: the same for every occurrence."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]

    @classmethod
    def advice(cls) -> str:
        """What the docstring says below the title: what to do, where an occurrence has nothing to add."""
        _, _, rest = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")
        return " ".join(rest.split()) or cls.title()

    def document(self) -> dict[str, Any]:
        """The `application/problem+json` members; named members never hide the standard ones."""
        standard = {
            "type": f"/problems/{self.slug}",
            "title": self.title(),
            "status": self.status,
            "detail": self.detail,
            "code": self.slug,
        }
        return {**self.members, **standard}
