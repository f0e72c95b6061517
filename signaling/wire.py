"""Between a message's dataclass and its JSON: strict on the way in, plain on the way out.

Refused on the way in: a field that is unknown or missing, a value of another type, a text that is too
long or carries NUL (PostgreSQL stores none), a number beyond its bounds.
"""

import dataclasses
import types
import uuid
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson

M = TypeVar("M")
Read = Callable[[str, object], object]
"""Makes what a field holds of its name, for who is told what is wrong with it, and what JSON gave."""


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
    readers = _readers_of(cast("Hashable", kind))
    if not payload.keys() <= readers.keys():
        raise BadMessage(f"unknown field {min(map(str, payload.keys() - readers.keys()))[:40]!r}")
    values = {}
    for name, (read, is_optional) in readers.items():
        value = payload.get(name)
        if value is not None:
            values[name] = read(name, value)
        elif not is_optional:
            raise BadMessage(f"{name} is missing")
    try:
        return kind(**values)
    except ValueError as error:
        raise BadMessage(str(error)) from error


def as_json(message: object) -> bytes:
    """A message's JSON (RFC 8259), or that of a list with some in it. A field without a value is left out."""
    return orjson.dumps(message, default=_given, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def to_wire(message: object) -> Any:
    """What reads `as_json` is told."""
    return orjson.loads(as_json(message))


def _given(message: object) -> dict[str, object]:
    fields = _names_of(cast("Hashable", type(message)))
    return {name: value for name in fields if (value := getattr(message, name)) is not None}


@cache
def _names_of(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


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


@cache
def _readers_of(kind: type) -> dict[str, tuple[Read, bool]]:
    """What reads each field, and whether it may be left out: made once for each kind of message."""
    return {name: (_reader(hint), is_optional) for name, (hint, is_optional) in fields_of(kind).items()}


def _reader(hint: Any) -> Read:
    size = None
    if get_origin(hint) is Annotated:
        hint, size = get_args(hint)[:2]
    if get_origin(hint) is Literal:
        return partial(_read_word, frozenset(get_args(hint)))
    if get_origin(hint) is tuple:
        return partial(_read_many, _reader(get_args(hint)[0]), size)
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return partial(_read_part, hint)
    return partial(READERS[hint], size)


def _read_word(words: frozenset[str], name: str, value: object) -> str:
    if not isinstance(value, str) or value not in words:
        raise BadMessage(f"{name} is none of the words allowed")
    return value


def _read_part(kind: type, _name: str, value: object) -> object:
    return parse(kind, value)


def _read_many(read: Read, size: Size | None, name: str, value: object) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise BadMessage(f"{name} is not a list")
    if size is None or not size.least <= len(value) <= size.most:
        raise BadMessage(f"{name} has too many or too few")
    return tuple(read(name, one) for one in value)


def _read_text(size: Size | None, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadMessage(f"{name} is not a text")
    if size is None or not size.least <= len(value) <= size.most:
        raise BadMessage(f"{name} is too long or too short")
    if "\0" in value:
        raise BadMessage(f"{name} holds a NUL")
    return value


def _read_number(size: Size | None, name: str, value: object) -> int:
    if type(value) is not int:
        raise BadMessage(f"{name} is not a whole number")
    if size is None or not size.least <= value <= size.most:
        raise BadMessage(f"{name} is out of bounds")
    return value


def _read_real(size: Size | None, name: str, value: object) -> float:
    if type(value) not in (int, float):
        raise BadMessage(f"{name} is not a number")
    assert isinstance(value, int | float)
    if size is None or not size.least <= value <= size.most:
        raise BadMessage(f"{name} is out of bounds")
    return float(value)


def _read_flag(_size: Size | None, name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadMessage(f"{name} is neither true nor false")
    return value


def _read_id(_size: Size | None, name: str, value: object) -> uuid.UUID:
    try:
        if isinstance(value, str) and len(value) == 36:
            return uuid.UUID(value)
    except ValueError:
        pass
    raise BadMessage(f"{name} is not an id")


READERS: dict[Any, Callable[[Size | None, str, object], object]] = {
    str: _read_text,
    int: _read_number,
    float: _read_real,
    bool: _read_flag,
    uuid.UUID: _read_id,
}
