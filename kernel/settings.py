"""Settings come from the environment, once, at the start of a process: the one home of `os.environ`.

Names begin with `BERTH_`; `__` nests, so the field `batch_max` of the section `gateway` is `BERTH_GATEWAY__BATCH_MAX`.
A name that nobody reads is an error, because a misspelt limit that silently keeps its default is worse than no start.
The kernel knows no section: `app/settings.py` composes them from what every service declares.
"""

import difflib
import os
from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "BERTH_"
MASK = "********"


class Settings(BaseSettings):
    """Base of the composed settings of a process."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, hide_input_in_errors=True
    )


class SettingsRefused(Exception):
    """The settings are not usable; the message has one line for every reason and never a value that may be secret."""


Model = TypeVar("Model", bound=Settings)


def load(model: type[Model], **given: Any) -> Model:
    """Read `model` from the environment; what is `given` wins. Raises SettingsRefused."""
    known = _known(model)
    unknown = [_unknown(name, known) for name in _ours() if name not in known]
    if unknown:
        raise SettingsRefused("\n".join(unknown))
    try:
        return model(**given)
    except ValidationError as error:
        raise SettingsRefused(
            "\n".join(_reason(problem["loc"], problem["msg"]) for problem in error.errors())
        ) from None


def child_environment(**settings: str) -> dict[str, str]:
    """Our own environment with `settings` on top (by their full names), for a process that we start."""
    return {**os.environ, **settings}


def described(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """(name, value, meaning) of every setting, secrets masked: what `berth config` prints."""
    for name, value, field in _walk(PREFIX, settings):
        yield name, masked(value), field.description or ""


def masked(value: object) -> str:
    """`value` as text that may be shown: secrets and the passwords inside addresses are hidden."""
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    text = "" if value is None else str(value)
    if "://" not in text:
        return text
    address = urlsplit(text)
    if address.password is None:
        return text
    return urlunsplit(address._replace(netloc=address.netloc.replace(f":{address.password}@", f":{MASK}@")))


def _ours() -> list[str]:
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX))


def _known(model: type[BaseModel], prefix: str = PREFIX) -> set[str]:
    names: set[str] = set()
    for field, info in model.model_fields.items():
        name = f"{prefix}{field.upper()}"
        names.add(name)
        section = _section(info)
        if section is not None:
            names |= _known(section, f"{name}__")
    return names


def _section(info: FieldInfo) -> type[BaseModel] | None:
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _walk(prefix: str, section: BaseModel) -> Iterator[tuple[str, object, FieldInfo]]:
    for field, info in type(section).model_fields.items():
        value = getattr(section, field)
        if isinstance(value, BaseModel):
            yield from _walk(f"{prefix}{field.upper()}__", value)
        else:
            yield f"{prefix}{field.upper()}", value, info


def _unknown(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"{name} is not a setting; did you mean {near[0]}?" if near else f"{name} is not a setting"


def _reason(where: tuple[int | str, ...], why: str) -> str:
    name = PREFIX + "__".join(str(part).upper() for part in where)
    return f"{name}: {why}" if where else why
