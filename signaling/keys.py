"""Keys between those who sit in a room: commitments are told to all, cards and sealed keys to one. None is kept longer
than its owner sits there, and none but who holds a seat gets or gives any.
"""

import uuid
from collections.abc import Callable
from weakref import WeakKeyDictionary

from signaling.connection import Connection
from signaling.presence import SittingOf, SittingsIn, Tell, room_name
from signaling.protocol import Done, Refusal
from signaling.protocol_keys import Commit, CommitmentOf, Commitments, KeyFor, KeyOf, Reveal, RevealOf


class KeysPart:
    """A part of the room: `commit`, `reveal` and `key`."""

    def __init__(self, *, sitting_of: SittingOf, sittings_in: SittingsIn, tell: Tell) -> None:
        self._sitting_of, self._sittings_in, self._tell = sitting_of, sittings_in, tell
        self._told: WeakKeyDictionary[Connection, Commit] = WeakKeyDictionary()

    async def on_commit(self, connection: Connection, message: Commit) -> Commitments | Refusal:
        """Tell the others, and answer what they told. Both see each other's whoever was first."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        self._told[connection] = message
        seat = sitting.seat
        told = _of(seat.pid, message)
        await self._tell("commitment", told, to=room_name(seat.room_id), skip=connection.sid)
        return Commitments(
            tuple(
                _of(other.seat.pid, self._told[other.connection])
                for other in self._sittings_in(seat.room_id)
                if other.connection is not connection and other.connection in self._told
            )
        )

    async def on_reveal(self, connection: Connection, message: Reveal) -> Done | Refusal:
        """Pass a card on to one peer in the same room."""
        return await self._pass_on(connection, message.to, "reveal", lambda pid: RevealOf(pid, message.card))

    async def on_key(self, connection: Connection, message: KeyFor) -> Done | Refusal:
        """Pass a sealed key on to one peer in the same room."""
        return await self._pass_on(
            connection, message.to, "key", lambda pid: KeyOf(pid, message.number, message.sealed)
        )

    async def _pass_on(
        self, connection: Connection, to: uuid.UUID, event: str, told: Callable[[uuid.UUID], object]
    ) -> Done | Refusal:
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        target = next((one for one in self._sittings_in(sitting.seat.room_id) if one.seat.pid == to), None)
        if target is None or target is sitting:
            return Refusal("gone")
        await self._tell(event, told(sitting.seat.pid), to=target.connection.sid)
        return Done()


def _of(pid: uuid.UUID, told: Commit) -> CommitmentOf:
    return CommitmentOf(pid, told.seals, told.commitment)
