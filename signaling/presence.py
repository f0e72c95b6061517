"""Who sits in which room."""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

import socketio

from signaling.connection import Connection
from signaling.protocol import Role, Stream


@dataclass(slots=True)
class Seat:
    """Somebody in a call, by one socket.

    `room_id` is whose call it is: a consult's, or a team meeting's, which goes through many consults. `pid` is who they
    are to the others for as long as they stay; `consult_id` and `participant_id` are the consult that is talked about,
    and who they are in its records: of a meeting that discusses no case now, none.
    """

    room_id: uuid.UUID
    pid: uuid.UUID
    page: uuid.UUID
    name: str
    role: Role
    audio: bool
    video: bool
    streams: tuple[Stream, ...] = ()
    hand: bool = False
    consult_id: uuid.UUID | None = None
    participant_id: uuid.UUID | None = None
    stays: bool = False
    """In a meeting, whichever case is discussed: others are there for one case alone."""
    is_over: bool = False
    """That case is discussed no more, and their page is on its way to the next: they attend it no longer."""


@dataclass(slots=True)
class Sitting:
    """A socket and the seat it holds."""

    connection: Connection
    seat: Seat


SittingOf = Callable[[Connection], Sitting | None]
SittingsIn = Callable[[uuid.UUID], Iterable[Sitting]]
Tell = Callable[..., Awaitable[None]]
"""What parts of a room are given of it: who sits at a socket, who sits in a room, and its voice."""


def room_name(room_id: uuid.UUID) -> str:
    """The Socket.IO room of those who are in one call."""
    return f"room:{room_id}"


def case_name(consult_id: uuid.UUID) -> str:
    """The Socket.IO room of those who hear what belongs to one consult: its chat, how its session stands."""
    return f"case:{consult_id}"


class Sittings:
    """All those of one namespace. Whether somebody is there is read off Socket.IO's own manager each time, so that
    presence and hearing are one.
    """

    def __init__(self, namespace: socketio.AsyncNamespace) -> None:
        self._namespace = namespace
        self._by_socket: dict[str, Sitting] = {}
        self._by_seat: dict[tuple[uuid.UUID, uuid.UUID], Sitting] = {}

    def __iter__(self) -> Iterator[Sitting]:
        return iter(self._by_socket.values())

    def of(self, connection: Connection) -> Sitting | None:
        """The seat a socket holds, if it does."""
        return self._by_socket.get(connection.sid)

    def begin(self, sitting: Sitting) -> None:
        """Somebody sits down."""
        self._by_socket[sitting.connection.sid] = sitting
        self._by_seat[_key(sitting.seat)] = sitting

    def end(self, sid: str) -> Sitting | None:
        """By this socket nobody sits anywhere any more; the seat it held."""
        sitting = self._by_socket.pop(sid, None)
        if sitting is not None and self._by_seat.get(_key(sitting.seat)) is sitting:
            del self._by_seat[_key(sitting.seat)]
        return sitting

    def in_room(self, room_id: uuid.UUID) -> Iterator[Sitting]:
        """Everyone whose socket is in that call now."""
        return self._named(room_name(room_id))

    def over_case(self, consult_id: uuid.UUID) -> Iterator[Sitting]:
        """Everyone whose socket hears what belongs to that consult now."""
        return self._named(case_name(consult_id))

    def _named(self, name: str) -> Iterator[Sitting]:
        for sid, _ in self._namespace.server.manager.get_participants(self._namespace.namespace, name):
            sitting = self._by_socket.get(sid)
            if sitting is not None and self._is_connected(sid):
                yield sitting

    def at(self, room_id: uuid.UUID, pid: uuid.UUID) -> Sitting | None:
        """A participant in the room."""
        sitting = self._by_seat.get((room_id, pid))
        if sitting is None or not self._is_connected(sitting.connection.sid):
            return None
        return sitting

    def _is_connected(self, sid: str) -> bool:
        connected: bool = self._namespace.server.manager.is_connected(sid, self._namespace.namespace)
        return connected


def _key(seat: Seat) -> tuple[uuid.UUID, uuid.UUID]:
    return seat.room_id, seat.pid
