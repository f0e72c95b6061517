"""Who sits in which room: read off Socket.IO's own manager each time, so that presence and hearing are one."""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import socketio

from signaling.connection import Connection
from signaling.protocol import Role, Stream


@dataclass(slots=True)
class Seat:
    """A participant in a room, by one socket."""

    consult_id: uuid.UUID
    pid: uuid.UUID
    page: uuid.UUID
    name: str
    role: Role
    audio: bool
    video: bool
    streams: tuple[Stream, ...] = ()
    hand: bool = False


@dataclass(slots=True)
class Sitting:
    """A socket and the seat it holds."""

    connection: Connection
    seat: Seat


SittingOf = Callable[[Connection], Sitting | None]
SittingsIn = Callable[[uuid.UUID], Iterable[Sitting]]
Tell = Callable[..., Awaitable[None]]
"""What parts of a room are given of it: who sits at a socket, who sits in a consult's room, and its voice."""


def room_name(consult_id: uuid.UUID) -> str:
    """The Socket.IO room of a consult's sockets."""
    return f"consult:{consult_id}"


def sittings(
    manager: socketio.AsyncManager, namespace: str, consult_id: uuid.UUID, known: Mapping[str, Sitting]
) -> Iterator[Sitting]:
    """Everyone whose socket is in the room now."""
    for sid, _ in manager.get_participants(namespace, room_name(consult_id)):
        if sid in known and manager.is_connected(sid, namespace):
            yield known[sid]
