"""The live part of the site, put together: one Socket.IO server with its two namespaces.

`web.app` attaches it to `/socket.io/`, hands it every event of `teleconsult.events` and closes it at the end.
"""

from aiohttp import web

from signaling.connection import Doorman
from signaling.room import RoomNamespace
from signaling.server import LiveServer
from signaling.worklist import WorklistNamespace
from teleconsult.db import Sessions
from teleconsult.events import Event
from teleconsult.settings import Settings


class Live:
    """What the rest of the site needs of it: attach, hear, close."""

    def __init__(self, settings: Settings, sessions: Sessions, *, cookie_name: str) -> None:
        doorman = Doorman(settings, sessions, cookie_name=cookie_name)
        self.server = LiveServer(origins=settings.allowed_origins)
        self.room = RoomNamespace(settings, doorman)
        self.worklist = WorklistNamespace(doorman)
        self.server.register_namespace(self.room)
        self.server.register_namespace(self.worklist)

    def attach(self, app: web.Application) -> None:
        """Serve `/socket.io/`, WebSocket and long polling."""
        self.server.attach(app)

    async def hear(self, event: Event) -> None:
        """Take what happened anywhere (a `teleconsult.events.Listener`) to the sockets it concerns."""
        if event.name == "SessionEnded" and (session_id := event.ids.get("session")):
            await self.room.drop_session(session_id)
            await self.worklist.drop_session(session_id)
            return
        if event.name == "ConsultCancelled" and (consult_id := event.ids.get("consult")):
            await self.room.close(consult_id)
        await self.worklist.publish(event)

    async def close(self) -> None:
        """Hang up on everyone and stop watching over them."""
        for eio_sid in list(self.server.eio.sockets):
            await self.server.hang_up(eio_sid)
        await self.server.shutdown()
