"""Socket.IO's packets (protocol 5) as text: those that come and go all the time, without the library's detours.

Whatever `read_event` does not know is left to python-socketio's own reader.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

EVENT: Final = re.compile(r"2(/[a-z]+),([0-9]{1,15})?(?=\[)")


class StrictJson:
    """orjson under the names the libraries call: it knows no NaN, no lone surrogates and no bottomless nesting."""

    @staticmethod
    def dumps(value: object, **_ignored: object) -> str:
        """JSON text without spaces."""
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str) -> Any:
        """Raises a ValueError on anything RFC 8259 does not allow."""
        return orjson.loads(text)


@dataclass(frozen=True, slots=True)
class Event:
    """A message from a client; `number` where it asks for an acknowledgement."""

    namespace: str
    number: int | None
    content: list[Any]


def read_event(text: str) -> Event | None:
    """An event in one of our namespaces; None where it is something else. Raises ValueError where its JSON is none."""
    begun = EVENT.match(text)
    if begun is None:
        return None
    namespace, number = begun.groups()
    return Event(namespace, int(number) if number else None, orjson.loads(text[begun.end() :]))


def write_event(namespace: str, name: str, *content: object) -> str:
    """An event for a client."""
    return f"2{_prefix(namespace)}{orjson.dumps([name, *content]).decode()}"


def write_answer(namespace: str, number: int, answer: object) -> str:
    """The answer to the event of that number."""
    return f"3{_prefix(namespace)}{number}{orjson.dumps([answer]).decode()}"


def _prefix(namespace: str) -> str:
    return "" if namespace == "/" else f"{namespace},"
