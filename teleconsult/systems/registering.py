"""Which systems may come to the FHIR door by themselves: set by the establishment's administrators."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import fhir_clients_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.other_systems import read_name, turn
from teleconsult.systems.keys import Jwk, read_keys
from teleconsult.systems.models import FhirClient
from teleconsult.systems.offering import OFFERED
from teleconsult.systems.scopes import BadScope, narrowed, read_scopes, written

MOST: Final = 100


async def clients_here(session: AsyncSession, actor: Actor) -> Sequence[FhirClient]:
    """The establishment's systems, by name; those turned off too. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(FhirClient).where(fhir_clients_of_house(actor)).order_by(FhirClient.name, FhirClient.id).limit(MOST)
    )
    return found.all()


async def client_here(session: AsyncSession, actor: Actor, *, client_id: uuid.UUID) -> FhirClient:
    """One of them. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    return await _find(session, actor, client_id)


async def add_client(session: AsyncSession, actor: Actor, *, name: str, keys: str, scope: str) -> FhirClient:
    """Let a system in, on the files of the establishment's own patients. `keys` is its key set (RFC 7517) as JSON.

    Raises NotFound, StepUpNeeded, Invalid with a sentence a field, Conflict where one of this name is known.
    """
    require(actor, Permission.ADMINISTRATION)
    require_fresh(actor)
    errors: dict[str, str] = {}
    name = read_name(name, errors)
    read, allowed = _checked(keys, scope, errors)
    client = FhirClient(
        id=uuid.uuid4(),
        organization_id=actor.organization_id,
        name=name,
        keys=read,
        scope=allowed,
        created_at=now(),
        created_by_id=actor.role_id,
    )
    try:
        async with session.begin_nested():
            session.add(client)
    except IntegrityError as error:
        raise Conflict("A system of this name is here already. Choose another name.") from error
    audit.record(session, actor, "fhir-client-added", client, scope=allowed, keys=_names(read))
    return client


async def change_client(
    session: AsyncSession, actor: Actor, *, client_id: uuid.UUID, keys: str, scope: str
) -> FhirClient:
    """Give it other keys, or allow it something else. Tokens asked for with a key that is gone end at once.

    Raises as `add_client` does.
    """
    require(actor, Permission.ADMINISTRATION)
    require_fresh(actor)
    client = await _find(session, actor, client_id, is_locked=True)
    read, allowed = _checked(keys, scope, {})
    if (client.keys, client.scope) != (read, allowed):
        client.keys, client.scope = read, allowed
        audit.record(session, actor, "fhir-client-changed", client, scope=allowed, keys=_names(read))
        await session.flush()
    return client


async def switch_client(session: AsyncSession, actor: Actor, *, client_id: uuid.UUID, is_on: bool) -> FhirClient:
    """Turn it off, at once and for its tokens too, or on again. Twice is once.

    Raises NotFound; StepUpNeeded to turn it on, since that lets somebody in.
    """
    require(actor, Permission.ADMINISTRATION)
    if is_on:
        require_fresh(actor)
    client = await _find(session, actor, client_id, is_locked=True)
    if turn(client, is_on=is_on):
        audit.record(session, actor, "fhir-client-enabled" if is_on else "fhir-client-disabled", client)
        await session.flush()
    return client


async def _find(session: AsyncSession, actor: Actor, client_id: uuid.UUID, *, is_locked: bool = False) -> FhirClient:
    query = select(FhirClient).where(FhirClient.id == client_id, fhir_clients_of_house(actor))
    client: FhirClient | None = await session.scalar(query.with_for_update() if is_locked else query)
    if client is None:
        raise NotFound
    return client


def _checked(keys: str, scope: str, errors: dict[str, str]) -> tuple[list[Jwk], str]:
    """Both as they are kept. Raises Invalid with these `errors` and its own."""
    read: list[Jwk] = []
    try:
        read = read_keys(keys)
    except Invalid as error:
        errors |= error.fields
    try:
        scopes = read_scopes(scope)
    except BadScope:
        scopes = []
    allowed = written(narrowed(scopes, scopes, OFFERED))
    if not allowed:
        errors["scope"] = "Say what it may do, as in system/*.rs to read everything."
    if errors:
        raise Invalid(errors)
    return read, allowed


def _names(keys: list[Jwk]) -> str:
    return " ".join(key["kid"] for key in keys)
