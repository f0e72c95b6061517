"""Between a message's dataclass and its JSON: strict on the way in, plain on the way out.

Refused on the way in: a field that is unknown or missing, a value of another type, a text that is too
long or carries NUL (PostgreSQL stores none), a number beyond its bounds.
"""

import dataclasses
import types
import uuid
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

M = TypeVar("M")


class BadMessage(ValueError):
    """A message that does not have the form the protocol gives it; the text names the field."""


@dataclass(frozen=True, slots=True)
class Size:
    """Bounds, both included: of a text's length in characters, of a number, or of how many there are."""

    least: float
    most: float


def parse(kind: type[M], payload: object) -> M:
    """Make a `kind` of what JSON gave. Raises BadMessage."""
    if not isinstance(payload, dict):
        raise BadMessage("an object is expected")
    fields = fields_of(cast("Hashable", kind))
    unknown = payload.keys() - fields.keys()
    if unknown:
        raise BadMessage(f"unknown field {sorted(map(str, unknown))[0][:40]!r}")
    values = {}
    for name, (hint, is_optional) in fields.items():
        if payload.get(name) is None:
            if not is_optional:
                raise BadMessage(f"{name} is missing")
            continue
        values[name] = _read(name, hint, payload[name])
    try:
        return kind(**values)
    except ValueError as error:
        raise BadMessage(str(error)) from error


def to_wire(message: object) -> Any:
    """Make what JSON can carry. A field without a value is left out."""
    if dataclasses.is_dataclass(message):
        pairs = ((field.name, getattr(message, field.name)) for field in dataclasses.fields(message))
        return {name: to_wire(value) for name, value in pairs if value is not None}
    if isinstance(message, list | tuple):
        return [to_wire(item) for item in message]
    if isinstance(message, uuid.UUID):
        return str(message)
    if isinstance(message, datetime):
        return message.isoformat()
    return message


@cache
def fields_of(kind: type) -> dict[str, tuple[Any, bool]]:
    """Each field's type without `None`, and whether it may be left out."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: _without_none(hint) for name, hint in hints.items()}


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        kept = [part for part in get_args(hint) if part is not types.NoneType]
        assert len(kept) == 1, f"{hint}: a field has one type, or one type and None"
        return kept[0], True
    return hint, False


def _read(name: str, hint: Any, value: object) -> object:
    size = None
    if get_origin(hint) is Annotated:
        hint, size = get_args(hint)[:2]
    if get_origin(hint) is Literal:
        if not isinstance(value, str) or value not in get_args(hint):
            raise BadMessage(f"{name} is none of the words allowed")
        return value
    if get_origin(hint) is tuple:
        return _read_many(name, get_args(hint)[0], value, size)
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return parse(hint, value)
    return READERS[hint](name, value, size)


def _read_many(name: str, hint: Any, value: object, size: Size | None) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise BadMessage(f"{name} is not a list")
    if size is None or not size.least <= len(value) <= size.most:
        raise BadMessage(f"{name} has too many or too few")
    return tuple(_read(name, hint, one) for one in value)


def _read_text(name: str, value: object, size: Size | None) -> str:
    if not isinstance(value, str):
        raise BadMessage(f"{name} is not a text")
    if size is None or not size.least <= len(value) <= size.most:
        raise BadMessage(f"{name} is too long or too short")
    if "\0" in value:
        raise BadMessage(f"{name} holds a NUL")
    return value


def _read_number(name: str, value: object, size: Size | None) -> int:
    if type(value) is not int:
        raise BadMessage(f"{name} is not a whole number")
    if size is None or not size.least <= value <= size.most:
        raise BadMessage(f"{name} is out of bounds")
    return value


def _read_real(name: str, value: object, size: Size | None) -> float:
    if type(value) not in (int, float):
        raise BadMessage(f"{name} is not a number")
    assert isinstance(value, int | float)
    if size is None or not size.least <= value <= size.most:
        raise BadMessage(f"{name} is out of bounds")
    return float(value)


def _read_flag(name: str, value: object, _size: Size | None) -> bool:
    if not isinstance(value, bool):
        raise BadMessage(f"{name} is neither true nor false")
    return value


def _read_id(name: str, value: object, _size: Size | None) -> uuid.UUID:
    try:
        if isinstance(value, str) and len(value) == 36:
            return uuid.UUID(value)
    except ValueError:
        pass
    raise BadMessage(f"{name} is not an id")


READERS: dict[Any, Callable[[str, object, Size | None], object]] = {
    str: _read_text,
    int: _read_number,
    float: _read_real,
    bool: _read_flag,
    uuid.UUID: _read_id,
}
