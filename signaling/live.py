"""The live part of the site, put together: one Socket.IO server with its namespaces.

`web.app` attaches it to `/socket.io/`, hands it every event of `teleconsult.events`, keeps its watch and closes it at
the end.
"""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from signaling.doorman import Cookies, Doorman
from signaling.homes import Homes
from signaling.keeping import Keeper
from signaling.looking import LookingNamespace
from signaling.protocol import Showing
from signaling.room import RoomNamespace
from signaling.server import LiveServer
from signaling.watch import Watch
from signaling.worklist import WorklistNamespace
from teleconsult.accounts.bearer_door import BearerDoor
from teleconsult.db import Sessions
from teleconsult.events import AT_ONCE, Event
from teleconsult.settings import Settings


class Live:
    """What the rest of the site needs of it: attach, watch, hear, close."""

    def __init__(
        self,
        settings: Settings,
        sessions: Sessions,
        *,
        cookies: Cookies,
        bearers: BearerDoor,
        address_of: Callable[[web.Request], str],
    ) -> None:
        doorman = Doorman(settings, sessions, cookies=cookies, bearers=bearers, address_of=address_of)
        self.server = LiveServer(origins=settings.allowed_origins, address_of=address_of)
        self.room = RoomNamespace(settings, doorman, showing=self._showing)
        self.looking = LookingNamespace(doorman, shown=self.room.show_images)
        self.worklist = WorklistNamespace(doorman)
        self.watch = Watch(settings, sessions, room=self.room, looking=self.looking, others=[self.worklist])
        self.keeper = Keeper(sessions, seated=self.room.seated)
        self.room.net.listeners.append(self.keeper.take)
        for namespace in (self.room, self.looking, self.worklist):
            self.server.register_namespace(namespace)
        self.homes = self._homes(settings, sessions)
        self.room.homes = self.looking.homes = self.homes

    def _homes(self, settings: Settings, sessions: Sessions) -> Homes | None:
        if not settings.process:
            return None

        async def let_go(sid: str) -> None:
            for namespace in (self.room, self.looking):
                if sid in namespace.connections:
                    await namespace.disconnect(sid)

        return Homes(settings.database_url or "", settings.process, sessions, lost=let_go)

    def attach(self, app: web.Application) -> None:
        """Serve `/socket.io/`, WebSocket and long polling."""
        self.server.attach(app)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Turn out, inside the block, whoever may no longer be connected, keep how calls do, and reach Janus."""
        async with self.watch.kept(), self.keeper.keeping(), self.room.through.reaching():
            if self.homes is None:
                yield
                return
            async with self.homes.kept():
                yield

    async def move(self) -> None:
        """Have everybody go on elsewhere: this process ends. Their rooms may begin there at once."""
        if self.homes is not None:
            await self.homes.leave()
        for eio_sid in list(self.server.eio.sockets):
            await self.server.hang_up(eio_sid)

    async def hear(self, event: Event) -> None:
        """Take what happened anywhere (a `teleconsult.events.Listener`) to the sockets it concerns."""
        await self.room.meetings.hear(event)
        await self.watch.hear(event)
        if event.name == "GuestChanged" and (consult_id := event.ids.get("consult")):
            await self.room.show_guests(consult_id)
        await self.room.recall.hear(event)
        await self.worklist.publish(event)

    async def ring(self, event: Event) -> None:
        """Have the devices of who is called look what rings; told on a line of its own, behind no other news."""
        if event.name in AT_ONCE:
            await self.worklist.publish(event)

    def _showing(self, role_id: uuid.UUID | None, consult_id: uuid.UUID) -> Showing | None:
        return self.looking.showing_to(role_id, consult_id)

    async def close(self) -> None:
        """Hang up on everyone and stop watching over them."""
        for eio_sid in list(self.server.eio.sockets):
            await self.server.hang_up(eio_sid)
        await self.room.recording.close()
        await self.room.through.close()
        await self.keeper.write()
        await self.server.shutdown()
