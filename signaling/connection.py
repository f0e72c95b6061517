"""A socket and who it belongs to; what every namespace of ours does alike.

A namespace names its messages in `protocol.FROM_CLIENT` and answers each in a method `on_<event>`, of its own or of one
of its parts. Everything comes through `SignedInNamespace.trigger_event`: parse, ask whether the actor may, do it, say
what went wrong in one of the protocol's few words. Whether the sign-in behind a socket still holds is
`signaling.watch`'s to ask.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

import socketio
import structlog

from signaling import protocol
from signaling.doorman import Doorman, Entry
from signaling.homes import Homes, place_in
from signaling.protocol import Bye, ErrorCode, Join, Refusal
from signaling.protocol_looking import Come
from signaling.wire import BadMessage, parse
from teleconsult.access import may
from teleconsult.accounts import Actor
from teleconsult.accounts.standing import Standing
from teleconsult.audit import record_denied
from teleconsult.errors import Conflict, Forbidden, Invalid, NotFound, Refused, TeleconsultError, Unauthenticated

Handler = Callable[["Connection", object], Awaitable[object]]
MOST_PER_ACCOUNT: Final = 20
MOST_PER_GUEST: Final = 10

log = structlog.get_logger(__name__)

ERROR_CODES: Final[tuple[tuple[type[Exception], ErrorCode], ...]] = (
    (BadMessage, "invalid"),
    (Invalid, "invalid"),
    (Conflict, "invalid"),
    (NotFound, "not-found"),
    (Forbidden, "not-found"),
    (Refused, "not-open"),
    (Unauthenticated, "signed-out"),
)


@dataclass(slots=True, eq=False, weakref_slot=True)
class Connection:
    """One socket in one namespace. What a part remembers of it ends with it, in a `WeakKeyDictionary`."""

    sid: str
    entry: Entry

    @property
    def actor(self) -> Actor:
        """Who it belongs to, in the role as it is now."""
        return self.entry.actor

    @property
    def owner(self) -> uuid.UUID | None:
        """Whose sockets are counted together: an account's, or a guest's."""
        return self.actor.account_id or self.actor.guest_pass_id


class SignedInNamespace(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio ships no types
    """A namespace whose every message comes from somebody known, in the form the protocol gives it."""

    def __init__(self, namespace: str, doorman: Doorman) -> None:
        super().__init__(namespace)
        self.doorman = doorman
        self.connections: dict[str, Connection] = {}
        self._asks = protocol.FROM_CLIENT[namespace]
        self.parts: list[object] = [self]
        """Who answers its messages: the first of these that has a method `on_<event>`."""
        self._handlers: dict[str, Handler] = {}
        self.homes: Homes | None = None
        """Where several processes serve: what is talked about in this namespace lives in one of them."""

    async def entered(self, connection: Connection) -> None:
        """Called once a socket is admitted, and again when its role has become another."""

    async def gone(self, connection: Connection) -> None:
        """Called once a socket is gone, however that came."""

    async def tell(self, event: str, message: object, *, to: str | list[str], skip: str | None = None) -> None:
        """Send a message of the protocol's to a socket or a room of sockets."""
        assert isinstance(message, protocol.FROM_SERVER[self.namespace][event])
        self.server.manager.tell(self.namespace, event, message, to=to, skip=skip)

    async def dismiss(self, sid: str, reason: protocol.ByeReason) -> None:
        """Say good-bye and disconnect."""
        await self.tell("bye", Bye(reason), to=sid)
        await self.disconnect(sid)

    async def stands(self, connection: Connection, standing: Standing) -> None:
        """The sign-in holds; where its role has changed, so has what the socket may do and hear."""
        if standing == connection.entry.standing:
            return
        actor = replace(connection.actor, role=standing.role, organization_id=standing.organization_id)
        connection.entry = replace(connection.entry, actor=actor, standing=standing)
        await self.entered(connection)

    async def trigger_event(self, event: str, *args: Any) -> Any:
        """The one way in. The server has already refused `connect` and `disconnect` as events of a client's."""
        if event == "connect":
            return await self._connect(*args)
        sid, *payload = args
        if event == "disconnect":
            connection = self.connections.pop(sid, None)
            if connection is not None:
                await self.gone(connection)
            if self.homes is not None:
                await self.homes.go(sid)
            return None
        return await self._answer(event, sid, payload)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        try:
            entry = await self.doorman.admit(environ, auth)
        except TeleconsultError as error:
            raise socketio.exceptions.ConnectionRefusedError(error.message) from None
        connection = Connection(sid, entry)
        if entry.consult_id is not None and self.namespace != "/room":
            raise socketio.exceptions.ConnectionRefusedError("This opens a room and nothing else.")
        if self._is_one_too_many(connection):
            raise socketio.exceptions.ConnectionRefusedError("too-many")
        await self._lead(sid, place_in(environ))
        self.connections[sid] = connection
        await self.entered(connection)

    async def _lead(self, sid: str, place_id: uuid.UUID | None) -> None:
        """Where the room of a page is in another process, the page is told which."""
        elsewhere = await self.homes.come(place_id, sid) if self.homes is not None and place_id is not None else None
        if elsewhere is not None:
            raise socketio.exceptions.ConnectionRefusedError("elsewhere", {"process": elsewhere})

    async def _is_at_home(self, connection: Connection, message: object) -> bool:
        """Whether what somebody joins is talked about in this process, from now on at the latest."""
        if self.homes is None or not isinstance(message, Join | Come):
            return True
        place_id = message.meeting or message.consult if isinstance(message, Join) else message.consult
        return place_id is None or await self.homes.come(place_id, connection.sid) is None

    def _is_one_too_many(self, connection: Connection) -> bool:
        mine = sum(other.owner == connection.owner for other in self.connections.values())
        return mine >= (MOST_PER_GUEST if connection.actor.guest_pass_id else MOST_PER_ACCOUNT)

    async def _answer(self, event: str, sid: str, payload: list[object]) -> object:
        connection, ask = self.connections.get(sid), self._asks.get(event)
        if connection is None:
            return Refusal("signed-out")
        if ask is None or len(payload) != 1:
            return Refusal("invalid")
        try:
            message: object = parse(ask.message, payload[0])
            if not may(connection.actor, ask.needs):
                await self._deny(connection.actor, event)
            if not await self._is_at_home(connection, message):
                await self.disconnect(sid)  # it comes back, and is led there
                return Refusal("failed")
            answer = await self._handler(event)(connection, message)
        except (BadMessage, TeleconsultError) as error:
            return Refusal(next((code for kind, code in ERROR_CODES if isinstance(error, kind)), "failed"))
        except Exception:
            log.exception("socket.message_failed", namespace=self.namespace, message=event)
            return Refusal("failed")
        assert isinstance(answer, (ask.answer, Refusal))  # a union would be made for each message
        return answer

    def _handler(self, event: str) -> Handler:
        handler = self._handlers.get(event)
        if handler is None:
            name = f"on_{event}"
            handler = self._handlers[event] = getattr(next(part for part in self.parts if hasattr(part, name)), name)
        return handler

    async def _deny(self, actor: Actor, event: str) -> NoReturn:
        await record_denied(self.doorman.sessions, actor, "message-refused", namespace=self.namespace, event=event)
        raise NotFound
