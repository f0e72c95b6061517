"""Who sits in which room."""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
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


class Sittings:
    """All those of one namespace. Whether somebody is there is read off Socket.IO's own manager each time, so that
    presence and hearing are one.
    """

    def __init__(self, namespace: socketio.AsyncNamespace) -> None:
        self._namespace = namespace
        self._by_socket: dict[str, Sitting] = {}
        self._by_participant: dict[uuid.UUID, Sitting] = {}

    def __iter__(self) -> Iterator[Sitting]:
        return iter(self._by_socket.values())

    def of(self, connection: Connection) -> Sitting | None:
        """The seat a socket holds, if it does."""
        return self._by_socket.get(connection.sid)

    def begin(self, sitting: Sitting) -> None:
        """Somebody sits down."""
        self._by_socket[sitting.connection.sid] = sitting
        self._by_participant[sitting.seat.pid] = sitting

    def end(self, sid: str) -> Sitting | None:
        """By this socket nobody sits anywhere any more; the seat it held."""
        sitting = self._by_socket.pop(sid, None)
        if sitting is not None and self._by_participant.get(sitting.seat.pid) is sitting:
            del self._by_participant[sitting.seat.pid]
        return sitting

    def in_room(self, consult_id: uuid.UUID) -> Iterator[Sitting]:
        """Everyone whose socket is in the room now."""
        for sid, _ in self._namespace.server.manager.get_participants(self._namespace.namespace, room_name(consult_id)):
            sitting = self._by_socket.get(sid)
            if sitting is not None and self._is_connected(sid):
                yield sitting

    def at(self, consult_id: uuid.UUID, pid: uuid.UUID) -> Sitting | None:
        """A participant in the room."""
        sitting = self._by_participant.get(pid)
        if sitting is None or sitting.seat.consult_id != consult_id or not self._is_connected(sitting.connection.sid):
            return None
        return sitting

    def _is_connected(self, sid: str) -> bool:
        connected: bool = self._namespace.server.manager.is_connected(sid, self._namespace.namespace)
        return connected
