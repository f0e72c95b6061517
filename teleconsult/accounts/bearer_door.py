"""Where machines come in: by a bearer token, and with an end to trying."""

import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.limits import Door, count_wrong
from teleconsult.accounts.models import TokenKey
from teleconsult.accounts.token_keys import BadToken, is_signed, key_id_of
from teleconsult.accounts.tokens import TYPE, actor_for_bearer
from teleconsult.db import Sessions
from teleconsult.errors import TooMany
from teleconsult.settings import Settings

LookUp = Callable[[AsyncSession, str], Awaitable[Actor]]
"""Who carries a token. Raises BadToken."""
SHUT_FOR: Final = 60
"""Seconds before the database is asked again whether an address may try."""
MOST_ADDRESSES: Final = 10_000


class BearerDoor:
    """One a process. The database counts wrong tries; who is over the limit is remembered here for a minute.

    So a flood of forged tokens costs a signature check each and no query, and good tokens pass even then.
    """

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self._shut: dict[str, float] = {}
        self._public_keys: dict[uuid.UUID, str] = {}

    async def admit(
        self, session: AsyncSession, token: str, *, address: str, look_up: LookUp = actor_for_bearer
    ) -> Actor:
        """Who carries the token, as `look_up` knows them at this door.

        Raises BadToken, and TooMany for what was never ours from an address over its limit.
        A token that was ours once (expired, revoked) is refused but not counted: it is no guess.
        """
        self._refuse_where_shut(token, address)
        try:
            actor = await look_up(session, token)
        except BadToken as error:
            if not error.is_ours:
                await self._count(address)
            raise
        kid = key_id_of(token, typ=TYPE)
        if kid not in self._public_keys:
            self._public_keys[kid] = (await session.get_one(TokenKey, kid)).public_key
        return actor

    def _refuse_where_shut(self, token: str, address: str) -> None:
        until = self._shut.get(address)
        if until is None:
            return
        if until <= time.monotonic():
            del self._shut[address]
        elif not self._is_ours(token):
            raise TooMany("Too many attempts. Try again in a minute.", retry_after=SHUT_FOR)

    def _is_ours(self, token: str) -> bool:
        try:
            public_key = self._public_keys.get(key_id_of(token, typ=TYPE))
        except BadToken:
            return False
        return public_key is not None and is_signed(token, public_key)

    async def _count(self, address: str) -> None:
        try:
            await count_wrong(self._sessions, self._settings, door=Door.BEARER, address=address)
        except TooMany:
            while len(self._shut) >= MOST_ADDRESSES:
                del self._shut[next(iter(self._shut))]
            self._shut[address] = time.monotonic() + SHUT_FOR
            raise
