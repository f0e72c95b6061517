"""How everyone's link does: the others hear why less is sent, who keeps figures hears them all.

Single pictures, which are sent where a link carries no moving ones, pass through.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from signaling.allowance import Allowances
from signaling.connection import Connection
from signaling.presence import Sitting, SittingOf, Tell, room_name
from signaling.protocol import Done, Refusal
from signaling.protocol_net import MOST_PIECES, Net, NetOf, Piece, PieceOf

Listener = Callable[[Sitting, Net], Awaitable[None]]
"""Called with who sits there and how their link does."""

REPORTS_A_SECOND: Final = 0.5
REPORTS_AT_ONCE: Final = 10
"""A ladder that is climbed down at once tells of several rungs."""
PIECES_A_SECOND: Final = 6


class NetPart:
    """A part of the room: `net` and `still`."""

    def __init__(self, *, sitting_of: SittingOf, tell: Tell) -> None:
        self._sitting_of = sitting_of
        self._tell = tell
        self._reports = Allowances(a_second=REPORTS_A_SECOND, burst=REPORTS_AT_ONCE)
        self._pieces = Allowances(a_second=PIECES_A_SECOND, burst=MOST_PIECES)
        self.listeners: list[Listener] = []
        """Who keeps the figures."""

    async def on_net(self, connection: Connection, message: Net) -> Done | Refusal:
        """Tell the others what is sent and why; the figures are for those who keep them."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        if not self._reports.admit(connection):
            return Refusal("too-many")
        seat = sitting.seat
        told = NetOf(seat.pid, message.rung, message.why)
        await self._tell("net", told, to=room_name(seat.room_id), skip=connection.sid)
        for listener in self.listeners:
            await listener(sitting, message)
        return Done()

    async def on_still(self, connection: Connection, message: Piece) -> Done | Refusal:
        """Pass a piece of a picture on, where there is no way from person to person."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        if not self._pieces.admit(connection):
            return Refusal("too-many")
        piece = PieceOf(sitting.seat.pid, message.index, message.count, message.bytes)
        await self._tell("still", piece, to=room_name(sitting.seat.room_id), skip=connection.sid)
        return Done()
