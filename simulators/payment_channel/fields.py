"""What a channel demands of the fields of a request: there or not, how long, of which form. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class FieldRefused(Exception):
    """A field is missing or not as it must be; `field` with dots, `why` in words."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


class Text(Struct, frozen=True):
    """A string of `least` to `most` characters (bytes in UTF-8 with `in_bytes`) that matches `form`."""

    most: int
    least: int = 1
    form: str = ""
    needed: bool = True
    in_bytes: bool = False

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise FieldRefused(name, "must be a string")
        length = len(value.encode()) if self.in_bytes else len(value)
        if not self.least <= length <= self.most:
            raise FieldRefused(name, f"must have {self.least} to {self.most} characters, has {length}")
        if self.form and not re.fullmatch(self.form, value):
            raise FieldRefused(name, "has characters or a form that it may not have")


class Whole(Struct, frozen=True):
    """A whole number from `least` to `most`."""

    least: int
    most: int = 2**53
    needed: bool = True

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise FieldRefused(name, f"must be a whole number from {self.least} to {self.most}")


class Flag(Struct, frozen=True):
    """True or false."""

    needed: bool = False

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, bool):
            raise FieldRefused(name, "must be true or false")


class OneOf(Struct, frozen=True):
    """One of some words."""

    words: tuple[str, ...]
    needed: bool = True

    def check(self, name: str, value: Any) -> None:
        if value not in self.words:
            raise FieldRefused(name, f"must be one of {', '.join(self.words)}")


class Moment(Struct, frozen=True):
    """A time of the form `form` that `strptime` reads by `read_as`."""

    form: str
    read_as: str
    needed: bool = True

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, str) or not re.fullmatch(self.form, value):
            raise FieldRefused(name, "is not a time of the form wanted")
        try:
            datetime.strptime(value, self.read_as)  # noqa: DTZ007 - only whether it can be read
        except ValueError:
            raise FieldRefused(name, "is no time") from None


class Address(Struct, frozen=True):
    """Where notices go: https, without a query; http to this machine alone."""

    needed: bool = True

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, str) or not 1 <= len(value) <= 256:
            raise FieldRefused(name, "must have 1 to 256 characters")
        parts = urlsplit(value)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise FieldRefused(name, "must be an https address")
        if parts.query or parts.fragment or not parts.hostname:
            raise FieldRefused(name, "may not carry parameters")


class Part(Struct, frozen=True):
    """An object with rules of its own."""

    rules: "Rules"
    needed: bool = True

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise FieldRefused(name, "must be an object")
        check(value, self.rules, f"{name}.")


Rule = Text | Whole | Flag | OneOf | Moment | Address | Part
Rules = Mapping[str, Rule]


def check(body: Mapping[str, Any], rules: Rules, within: str = "") -> None:
    """Raises FieldRefused for the first field that is not as it must be; fields without a rule are passed over."""
    for name, rule in rules.items():
        value = body.get(name)
        if value is None:
            if rule.needed:
                raise FieldRefused(within + name, "is missing")
            continue
        rule.check(within + name, value)
