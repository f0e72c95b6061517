"""Who a system is once it has a token: itself, for its establishment, within what it was granted."""

import uuid
from datetime import timedelta
from typing import Any, Final

import jwt
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.token_keys import SIZE, BadToken, sign, verify
from teleconsult.accounts.tokens import TYPE, actor_for_bearer
from teleconsult.sealing import Sealer
from teleconsult.systems.keys import thumbprint
from teleconsult.systems.models import FhirClient
from teleconsult.systems.offering import OFFERED
from teleconsult.systems.scopes import BadScope, Scope, narrowed, read_scopes, written

AUDIENCE: Final = "teleconsult/fhir"
"""The doors of programs, FHIR's and DICOMweb's; no other takes such a token."""
LIFE: Final = timedelta(minutes=5)


def actor_of(client: FhirClient, scopes: list[Scope]) -> Actor:
    """The system, under its own name, for the establishment that let it in; its organization is loaded."""
    return Actor(
        account_id=None,
        practitioner_id=None,
        role_id=None,
        organization_id=client.organization_id,
        role=None,
        name=client.name,
        organization_name=client.organization.name,
        locale="en",
        time_zone=client.organization.time_zone,
        scope=frozenset(map(str, scopes)),
        client_id=client.id,
    )


async def sign_token(
    session: AsyncSession, sealer: Sealer, client: FhirClient, *, key: str, scopes: list[Scope]
) -> str:
    """A token for `LIFE` (RFC 9068). `key` is the thumbprint of the key it was asked with: it ends with that key.

    The session acts for the system.
    """
    claims = {"sub": str(client.id), "client_id": str(client.id), "scope": written(scopes), "key": key}
    return await sign(session, sealer, typ=TYPE, audience=AUDIENCE, life=LIFE, claims=claims)


async def actor_at_fhir(session: AsyncSession, token: str) -> Actor:
    """Who carries this token at the FHIR door: a system, or whoever has one for every door. Raises BadToken."""
    if _audience_in(token) != AUDIENCE:
        return await actor_for_bearer(session, token)
    claims = await verify(session, token, typ=TYPE, audience=AUDIENCE)
    client = await session.scalar(
        select(FhirClient)
        .where(FhirClient.id == uuid.UUID(claims["sub"]), FhirClient.disabled_at.is_(None))
        .options(joinedload(FhirClient.organization))
        .execution_options(populate_existing=True)
    )
    if client is None or claims["key"] not in map(thumbprint, client.keys):
        raise BadToken(is_ours=True)
    return actor_of(client, _granted_still(client, claims["scope"]))


def _granted_still(client: FhirClient, scope: str) -> list[Scope]:
    """What the token was granted and the system is allowed now. Raises BadToken where that is nothing."""
    try:
        scopes = narrowed(read_scopes(scope), read_scopes(client.scope), OFFERED)
    except BadScope as error:
        raise BadToken(is_ours=True) from error
    if not scopes:
        raise BadToken(is_ours=True)
    return scopes


def _audience_in(token: str) -> object:
    """Which door the token says it is for: to know by which rules to check it."""
    if len(token) > SIZE:
        return None
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    return claims.get("aud")
