"""Who may open a socket: the same look-ups the pages use, else it is refused."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts import SYSTEM, Actor
from teleconsult.accounts.bearer_door import BearerDoor
from teleconsult.accounts.sessions import held_by_cookie
from teleconsult.accounts.standing import Standing, good_tokens, open_sessions
from teleconsult.accounts.token_keys import BadToken, key_id_of
from teleconsult.accounts.tokens import TYPE as BEARER_TYPE
from teleconsult.db import Sessions, transaction
from teleconsult.encounters import join_tokens
from teleconsult.encounters.guests import actor_for_device
from teleconsult.errors import Unauthenticated
from teleconsult.settings import Settings

AS_GUEST: Final = {"as": "guest"}


@dataclass(frozen=True, slots=True)
class Cookies:
    """What our pages' cookies are called."""

    session: str
    guest: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Who a socket belongs to, and what it came by."""

    actor: Actor
    standing: Standing | None = None
    """The role as it was; a guest has none."""
    key_id: uuid.UUID | None = None
    """The key that vouches for a token."""
    consult_id: uuid.UUID | None = None
    """The one room that a join token or a guest's pass opens."""


class Doorman:
    """A browser comes by a cookie and its Origin, a machine by a token."""

    def __init__(
        self,
        settings: Settings,
        sessions: Sessions,
        *,
        cookies: Cookies,
        bearers: BearerDoor,
        address_of: Callable[[web.Request], str],
    ) -> None:
        self.sessions = sessions
        self._settings = settings
        self._cookies = cookies
        self._bearers = bearers
        self._address_of = address_of

    async def admit(self, environ: dict[str, Any], auth: object) -> Entry:
        """Who comes, and by what. Raises Unauthenticated, and TooMany for who tries out tokens."""
        async with transaction(self.sessions, SYSTEM) as session:
            entry = await self._entry(session, environ, auth)
        return replace(entry, actor=replace(entry.actor, address=self._address_of(environ["aiohttp.request"])))

    async def _entry(self, session: AsyncSession, environ: dict[str, Any], auth: object) -> Entry:
        if auth and auth != AS_GUEST:
            return await self._by_token(session, environ, auth)
        if not self._is_our_page(environ):
            raise Unauthenticated("This page may not open a socket here.")
        if auth == AS_GUEST:
            return await self._by_guests_cookie(session, _cookie(environ, self._cookies.guest))
        return await self._by_session_cookie(session, _cookie(environ, self._cookies.session))

    async def _by_token(self, session: AsyncSession, environ: dict[str, Any], auth: object) -> Entry:
        token = auth.get("token") if isinstance(auth, dict) and auth.keys() == {"token"} else None
        if not isinstance(token, str):
            raise BadToken
        key_id = _key_of(token, join_tokens.TYPE)
        if key_id is not None:
            actor, consult_id = await join_tokens.actor_for_join_token(session, self._settings, token)
            return Entry(actor, await self._standing(session, actor), key_id, consult_id)
        address = self._address_of(environ["aiohttp.request"])
        actor = await self._bearers.admit(session, token, address=address)
        return Entry(actor, await self._standing(session, actor), _key_of(token, BEARER_TYPE))

    async def _by_guests_cookie(self, session: AsyncSession, cookie: str) -> Entry:
        found = await actor_for_device(session, cookie)
        if found is None:
            raise Unauthenticated("This link is not good any more.")
        actor, invitation = found
        return Entry(actor, consult_id=invitation.consult_id)

    async def _by_session_cookie(self, session: AsyncSession, cookie: str) -> Entry:
        held = await held_by_cookie(session, self._settings, cookie) if cookie else None
        if held is None:
            raise Unauthenticated("Sign in first.")
        actor, role = held
        return Entry(actor, Standing.of(role))

    async def _standing(self, session: AsyncSession, actor: Actor) -> Standing:
        """The role behind a token, in the form in which it will be looked at again."""
        if actor.session_id is not None:
            standing = (await open_sessions(session, self._settings, [actor.session_id])).get(actor.session_id)
        else:
            standing = (await good_tokens(session, [actor.token_id])).get(actor.token_id) if actor.token_id else None
        if standing is None:
            raise Unauthenticated("Sign in first.")
        return standing

    def _is_our_page(self, environ: dict[str, Any]) -> bool:
        """A cookie speaks for its owner only from our own pages (RFC 6454; Fetch Metadata for same-origin GETs)."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            return bool(environ.get("HTTP_SEC_FETCH_SITE") == "same-origin")
        return origin in self._settings.allowed_origins


def _cookie(environ: dict[str, Any], name: str) -> str:
    try:
        morsel = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _key_of(token: str, typ: str) -> uuid.UUID | None:
    """The key that a token of this kind names; None for a token of another kind."""
    try:
        return key_id_of(token, typ=typ)
    except BadToken:
        return None
