"""Talking one after the other: a hand goes up, somebody asks the others to mute. Nobody is ever unmuted by another."""

from typing import Final

from signaling.allowance import Allowances
from signaling.connection import Connection
from signaling.presence import SittingOf, Tell, room_name
from signaling.protocol import Done, Refusal
from signaling.protocol_manners import Hand, HandOf, Hush, HushOf
from teleconsult.errors import Forbidden

GESTURES_A_SECOND: Final = 1
GESTURES_AT_ONCE: Final = 5


class MannersPart:
    """A part of the room: `hand` and `hush`."""

    def __init__(self, *, sitting_of: SittingOf, tell: Tell) -> None:
        self._sitting_of, self._tell = sitting_of, tell
        self._gestures = Allowances(a_second=GESTURES_A_SECOND, burst=GESTURES_AT_ONCE)

    async def on_hand(self, connection: Connection, message: Hand) -> Done | Refusal:
        """Keep it in the seat, for who comes later, and tell the others."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        if not self._gestures.admit(connection):
            return Refusal("too-many")
        seat = sitting.seat
        seat.hand = message.raised
        told = HandOf(seat.pid, seat.hand)
        await self._tell("hand", told, to=room_name(seat.room_id), skip=connection.sid)
        return Done()

    async def on_hush(self, connection: Connection, _message: Hush) -> Done | Refusal:
        """Pass the request on. Raises Forbidden for a guest: they silence nobody's doctor."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        seat = sitting.seat
        if seat.role == "guest":
            raise Forbidden("This is for someone else to do.")
        if not self._gestures.admit(connection):
            return Refusal("too-many")
        await self._tell("hush", HushOf(seat.pid, seat.name), to=room_name(seat.room_id), skip=connection.sid)
        return Done()
