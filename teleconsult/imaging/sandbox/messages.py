"""The worker's two pipes: a length, a JSON object, a length, bytes. Lengths are 4 bytes, big endian."""

import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

LENGTH: Final = struct.Struct(">I")
READY: Final = b"ready"
"""A worker's first word, once its libraries are loaded and its limits stand."""


@dataclass(frozen=True, slots=True)
class Message:
    """A question (`verb`, `path`, arguments) or an answer (`done`, or `refused`)."""

    head: dict[str, Any]
    body: bytes = b""

    def encoded(self) -> bytes:
        """As it goes through the pipe."""
        head = json.dumps(self.head).encode()
        return b"".join((LENGTH.pack(len(head)), head, LENGTH.pack(len(self.body)), self.body))


def read_message(pipe: BinaryIO) -> Message | None:
    """The next message; None at the end of the pipe."""
    head = _read_part(pipe)
    return None if head is None else Message(json.loads(head), _read_part(pipe) or b"")


def _read_part(pipe: BinaryIO) -> bytes | None:
    prefix = pipe.read(LENGTH.size)
    return pipe.read(LENGTH.unpack(prefix)[0]) if len(prefix) == LENGTH.size else None
