"""Socket.IO's packets (protocol 5): those that come and go all the time, without the library's detours.

Whatever `read_event` does not know is left to python-socketio's own reader.
"""

import re
from typing import Any, Final, NamedTuple

import orjson

from signaling.wire import as_json

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


class Event(NamedTuple):
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


def write_event(namespace: str, name: str, *content: object) -> bytes:
    """An event for a client."""
    return f"2{_prefix(namespace)}".encode() + as_json([name, *content])


def write_answer(namespace: str, number: int, answer: object) -> bytes:
    """The answer to the event of that number."""
    return f"3{_prefix(namespace)}{number}".encode() + as_json([answer])


def text_frame(text: bytes) -> bytes:
    """A WebSocket frame with a whole text in it, as a server sends it: RFC 6455 §5.2."""
    length = len(text)
    if length < 126:
        return bytes((0x81, length)) + text
    if length < 65536:
        return b"\x81\x7e" + length.to_bytes(2) + text
    return b"\x81\x7f" + length.to_bytes(8) + text


def _prefix(namespace: str) -> str:
    return "" if namespace == "/" else f"{namespace},"
