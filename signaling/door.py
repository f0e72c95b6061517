"""Where guests wait until the doctor or the specialist lets them in. They hear nothing of the room."""

import uuid

from signaling.connection import Connection
from teleconsult.db import Sessions, transaction
from teleconsult.encounters import guest_room
from teleconsult.errors import TeleconsultError


class Door:
    """The sockets of guests who have asked to come in."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._waiting: dict[str, uuid.UUID] = {}

    def is_waiting(self, sid: str) -> bool:
        """Whether this socket stands at the door."""
        return sid in self._waiting

    async def keeps_out(self, connection: Connection, consult_id: uuid.UUID) -> bool:
        """Whether a guest has to wait. Raises NotFound where they are expected in no such room."""
        async with transaction(self._sessions, connection.actor) as session:
            if await guest_room.knock(session, connection.actor, consult_id=consult_id):
                self._waiting.pop(connection.sid, None)
                return False
        self._waiting[connection.sid] = consult_id
        return True

    async def left_by(self, connection: Connection) -> None:
        """The socket is gone: nobody waits there any more."""
        consult_id = self._waiting.pop(connection.sid, None)
        if consult_id is None:
            return
        try:
            async with transaction(self._sessions, connection.actor) as session:
                await guest_room.turn_away(session, connection.actor, consult_id=consult_id)
        except TeleconsultError:
            return  # the pass is over: nobody expects them
