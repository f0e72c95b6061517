"""JSON whose decimals stay as they were written: 1.50 was measured more finely than 1.5
(http://hl7.org/fhir/R4/datatypes.html#decimal, RFC 8259).
"""

import json
from typing import Any, Final, Self

import orjson

_LONGEST_INTEGER: Final = 18
"""Characters."""


class Exact(float):
    """A number that remembers how it was written, and is a float to everybody else."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, written: str) -> Self:
        """The number that a JSON text has at this place."""
        number = super().__new__(cls, written)
        number.written = written
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # a copy is made of what was written
        return (self.written,)


def read_exact(content: str | bytes) -> Any:
    """A JSON text, its decimals as `Exact`. Raises ValueError for what is none, or nested too deeply."""
    try:
        return json.loads(content, parse_float=Exact, parse_int=_whole, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_strictly(content: bytes) -> Any:
    """The same of a stranger's bytes: UTF-8, no half of a pair, nothing but what RFC 8259 knows. Raises ValueError."""
    orjson.loads(content)
    return read_exact(content)


def write_exact(value: Any) -> bytes:
    """The JSON text, decimals as they were read. Raises TypeError for what has none."""
    return orjson.dumps(value, default=_as_written)


def write_for_database(value: Any) -> str:
    """The same for a column of PostgreSQL's, which itself refuses what no column can hold."""
    try:
        return write_exact(value).decode()
    except TypeError:
        return json.dumps(value)


def _as_written(value: Any) -> orjson.Fragment:
    if isinstance(value, Exact):
        return orjson.Fragment(value.written.encode())
    raise TypeError


def _whole(written: str) -> int | Exact:
    """An integer, as long as 64 bits hold it: PostgreSQL writes all digits of what came to it as 1e30."""
    return int(written) if len(written) <= _LONGEST_INTEGER else Exact(written)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
