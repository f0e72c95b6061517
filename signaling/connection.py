"""Who is at the other end of a socket: the same look-up the pages use, else the socket is refused.

A namespace of ours names its messages in `protocol.FROM_CLIENT` and answers each in a method `on_<event>`.
Everything comes through `SignedInNamespace.trigger_event`: parse, check that the sign-in still holds, do it,
say what went wrong in one of the protocol's few words.
"""

import time
import uuid
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

import socketio
import structlog

from signaling import protocol
from signaling.protocol import Bye, ErrorCode, Refusal
from signaling.wire import BadMessage, parse, to_wire
from teleconsult.access import Permission, may
from teleconsult.accounts import SYSTEM, Actor, actor_for_cookie
from teleconsult.accounts.sessions import is_session_open
from teleconsult.accounts.tokens import actor_for_bearer
from teleconsult.audit import record_denied
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused, TeleconsultError, Unauthenticated
from teleconsult.settings import Settings

CHECK_EVERY: Final = 30  # seconds between two looks at the sign-in of a socket that talks

log = structlog.get_logger(__name__)

ERROR_CODES: Final[tuple[tuple[type[Exception], ErrorCode], ...]] = (
    (BadMessage, "invalid"),
    (Invalid, "invalid"),
    (NotFound, "not-found"),
    (Forbidden, "not-found"),
    (Refused, "not-open"),
    (Unauthenticated, "signed-out"),
)


@dataclass(slots=True)
class Connection:
    """One socket in one namespace, and who it belongs to."""

    sid: str
    actor: Actor
    token: str | None
    """The bearer token it came with; None when a page's cookie opened it."""
    checked_at: float = field(default_factory=time.monotonic)


class Doorman:
    """Decides who may connect: a browser by its session cookie and Origin, a machine by a bearer token."""

    def __init__(self, settings: Settings, sessions: Sessions, *, cookie_name: str) -> None:
        self.sessions = sessions
        self._settings = settings
        self._cookie_name = cookie_name

    async def admit(self, environ: dict[str, Any], auth: object) -> tuple[Actor, str | None]:
        """The actor, and the bearer token if it was one. Raises Unauthenticated."""
        if auth:
            token = auth.get("token") if isinstance(auth, dict) and auth.keys() == {"token"} else None
            if not isinstance(token, str):
                raise Unauthenticated("This token is not accepted.")
            return await self._by_token(token), token
        if not self._is_our_page(environ):
            raise Unauthenticated("This page may not open a socket here.")
        cookie = self._cookie(environ)
        async with transaction(self.sessions, SYSTEM) as session:
            actor = await actor_for_cookie(session, self._settings, cookie) if cookie else None
        if actor is None:
            raise Unauthenticated("Sign in first.")
        return actor, None

    async def check_again(self, connection: Connection) -> None:
        """Raises Unauthenticated when the sign-in a socket came by has ended since."""
        if connection.token is not None:
            await self._by_token(connection.token)
            return
        async with transaction(self.sessions, SYSTEM) as session:
            session_id = connection.actor.session_id
            if session_id is None or not await is_session_open(session, session_id):
                raise Unauthenticated("The sign-in has ended.")

    async def _by_token(self, token: str) -> Actor:
        async with transaction(self.sessions, SYSTEM) as session:
            return await actor_for_bearer(session, token)

    def _is_our_page(self, environ: dict[str, Any]) -> bool:
        """A cookie speaks for its owner only from our own pages (RFC 6454; Fetch Metadata for same-origin GETs)."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            return bool(environ.get("HTTP_SEC_FETCH_SITE") == "same-origin")
        return origin in self._settings.allowed_origins

    def _cookie(self, environ: dict[str, Any]) -> str | None:
        try:
            morsel = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(self._cookie_name)
        except CookieError:
            return None
        return morsel.value if morsel else None


class SignedInNamespace(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio ships no types
    """A namespace whose every message comes from somebody known, in the form the protocol gives it."""

    def __init__(self, namespace: str, doorman: Doorman) -> None:
        super().__init__(namespace)
        self.doorman = doorman
        self.connections: dict[str, Connection] = {}
        self._asks = protocol.FROM_CLIENT[namespace]

    async def entered(self, connection: Connection) -> None:
        """Called once a socket is admitted."""

    async def gone(self, connection: Connection) -> None:
        """Called once a socket is gone, however that came."""

    async def tell(self, event: str, message: object, *, to: str | list[str], skip: str | None = None) -> None:
        """Send a message of the protocol's to a socket or a room of sockets."""
        assert isinstance(message, protocol.FROM_SERVER[self.namespace][event])
        await self.emit(event, to_wire(message), to=to, skip_sid=skip)

    async def dismiss(self, sid: str, reason: protocol.ByeReason) -> None:
        """Say good-bye and disconnect."""
        await self.tell("bye", Bye(reason), to=sid)
        await self.disconnect(sid)

    async def drop_session(self, session_id: uuid.UUID) -> None:
        """Somebody signed out elsewhere: their sockets end with the session."""
        for connection in list(self.connections.values()):
            if connection.actor.session_id == session_id:
                await self.dismiss(connection.sid, "signed-out")

    async def trigger_event(self, event: str, *args: Any) -> Any:
        """The one way in. The server has already refused `connect` and `disconnect` as events of a client's."""
        if event == "connect":
            return await self._connect(*args)
        sid, *payload = args
        if event == "disconnect":
            connection = self.connections.pop(sid, None)
            if connection is not None:
                await self.gone(connection)
            return None
        return to_wire(await self._answer(event, sid, payload))

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        try:
            actor, token = await self.doorman.admit(environ, auth)
        except Unauthenticated as error:
            raise socketio.exceptions.ConnectionRefusedError(error.message) from None
        connection = Connection(sid, actor, token)
        self.connections[sid] = connection
        await self.entered(connection)

    async def _answer(self, event: str, sid: str, payload: list[object]) -> object:
        connection, ask = self.connections.get(sid), self._asks.get(event)
        if connection is None:
            return Refusal("signed-out")
        if ask is None or len(payload) != 1:
            return Refusal("invalid")
        try:
            message: object = parse(ask.message, payload[0])
            await self._require(connection.actor, ask.needs, event)
            if time.monotonic() - connection.checked_at > CHECK_EVERY:
                await self.doorman.check_again(connection)
                connection.checked_at = time.monotonic()
            answer = await getattr(self, f"on_{event}")(connection, message)
        except Unauthenticated:
            await self.dismiss(sid, "signed-out")
            return Refusal("signed-out")
        except (BadMessage, TeleconsultError) as error:
            return Refusal(next((code for kind, code in ERROR_CODES if isinstance(error, kind)), "failed"))
        except Exception:
            log.exception("socket.message_failed", namespace=self.namespace, message=event)
            return Refusal("failed")
        assert isinstance(answer, ask.answer | Refusal)
        return answer

    async def _require(self, actor: Actor, needs: Permission, event: str) -> None:
        if not may(actor, needs):
            await record_denied(self.doorman.sessions, actor, "message-refused", namespace=self.namespace, event=event)
            raise NotFound
