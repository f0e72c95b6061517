"""The token endpoint of systems: client credentials, proven by an assertion (RFC 6749 §4.4, RFC 7523, SMART Backend
Services). What goes wrong is said as RFC 6749 §5.2 says it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.limits import Door, count_wrong
from teleconsult.db import Sessions, transaction
from teleconsult.errors import TeleconsultError
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from teleconsult.systems.admitting import LIFE, actor_of, sign_token
from teleconsult.systems.assertions import TYPE, BadAssertion, Proof, check_assertion, use_up
from teleconsult.systems.offering import OFFERED, PATH
from teleconsult.systems.scopes import BadScope, Scope, narrowed, read_scopes, written

GRANT: Final = "client_credentials"
_KNOWN: Final = ("grant_type", "scope", "client_assertion_type", "client_assertion", "client_id", "client_secret")


class NotGranted(TeleconsultError):
    """No token. `code` is RFC 6749's word for why; the message is for whoever sets the system up."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@dataclass(frozen=True, slots=True)
class Granted:
    """A token, and what it is good for."""

    token: str
    scope: str
    seconds: int


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Where systems ask for tokens."""

    settings: Settings
    sessions: Sessions
    sealer: Sealer

    @property
    def url(self) -> str:
        """What an assertion has to be meant for."""
        return f"{self.settings.base_url}{PATH}"

    async def grant(self, fields: Sequence[tuple[str, str]], *, address: str) -> Granted:
        """A token for the system that proves itself. `fields` are the form's, in any order.

        Raises NotGranted, and TooMany for what proves nobody from an address over its limit. A right assertion passes
        even then.
        """
        form = _read(fields)
        try:
            async with transaction(self.sessions, SYSTEM) as session:
                return await self._grant(session, form, address)
        except BadAssertion as bad:
            await self._note(bad, address)
            raise NotGranted("invalid_client", bad.message, status=401) from bad

    async def _grant(self, session: AsyncSession, form: dict[str, str], address: str) -> Granted:
        proof = await check_assertion(session, form["client_assertion"], token_url=self.url)
        if form.get("client_id", str(proof.client.id)) != str(proof.client.id):
            raise BadAssertion("The client_id is another than the assertion’s.", client=proof.client)
        scopes = _scopes(proof, form.get("scope", ""))
        if not await use_up(session, proof):
            raise BadAssertion(
                "This assertion was used already. Make a new one, with another jti.", client=proof.client
            )
        token = await sign_token(session, self.sealer, proof.client, key=proof.key, scopes=scopes)
        granted = Granted(token, written(scopes), int(LIFE.total_seconds()))
        actor = actor_of(proof.client, scopes)
        audit.record(session, actor, "client-token-issued", proof.client, address=address, scope=granted.scope)
        return granted

    async def _note(self, bad: BadAssertion, address: str) -> None:
        """A trace of the attempt, in its establishment's log where it is known whose it was. Raises TooMany."""
        if bad.actor is None:
            await count_wrong(self.sessions, self.settings, door=Door.SYSTEM, address=address)
        await audit.record_denied(
            self.sessions, bad.actor or SYSTEM, "client-refused", address=address, reason=bad.message
        )


def _read(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The form, each known field once (RFC 6749 §3.2). Raises NotGranted."""
    given = [(name, value) for name, value in fields if name in _KNOWN and value]
    form = dict(given)
    if len(form) < len(given):
        raise NotGranted("invalid_request", "A parameter is given more than once.")
    if not form.get("grant_type"):
        raise NotGranted("invalid_request", "grant_type is missing.")
    if form["grant_type"] != GRANT:
        raise NotGranted("unsupported_grant_type", "Only client_credentials is offered.")
    if form.get("client_assertion_type", TYPE) != TYPE or "client_secret" in form:
        raise NotGranted("invalid_request", f"A system proves itself by an assertion alone, of type {TYPE}.")
    if "client_assertion" not in form or "client_assertion_type" not in form:
        raise NotGranted("invalid_client", "client_assertion and client_assertion_type are missing.", status=401)
    return form


def _scopes(proof: Proof, scope: str) -> list[Scope]:
    """What of the scope is granted. Raises NotGranted where it is none, or nothing of it is allowed."""
    if not scope.strip():
        raise NotGranted("invalid_scope", "Ask for a scope, as in system/Patient.rs.")
    try:
        granted = narrowed(read_scopes(scope), read_scopes(proof.client.scope), OFFERED)
    except BadScope as error:
        raise NotGranted("invalid_scope", str(error)) from error
    if not granted:
        raise NotGranted("invalid_scope", "Nothing of this scope is allowed to the system.")
    return granted
