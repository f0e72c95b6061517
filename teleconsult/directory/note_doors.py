"""How a system of an establishment's takes signed notes: set by its administrators."""

import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import endpoints_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import ConnectionType, Endpoint, EndpointStatus
from teleconsult.errors import Invalid, NotFound
from teleconsult.imaging.dimse.peers import read_authority
from teleconsult.other_systems import change
from teleconsult.sealing import Sealer

TAKING: Final = (ConnectionType.FHIR, ConnectionType.HL7V2)
"""Kinds of systems that notes go to."""
MESSAGES: Final = ("mdm", "oru")
LONGEST_NAME: Final = 60
LONGEST_SECRET: Final = 4000


@dataclass(frozen=True, slots=True)
class NoteDoor:
    """What an administrator types. A `token` left empty keeps the one that is set, unless it `forgets` it."""

    receives_notes: bool
    uses_tls: bool = False
    authority: str = ""
    message: str = "mdm"
    application: str = ""
    facility: str = ""
    token: str = ""
    forgets: bool = False


async def note_endpoint(session: AsyncSession, actor: Actor, *, endpoint_id: uuid.UUID, lock: bool = False) -> Endpoint:
    """A FHIR or HL7 v2 system of the actor's establishment. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    query = select(Endpoint).where(
        Endpoint.id == endpoint_id,
        endpoints_of_house(actor),
        Endpoint.status != EndpointStatus.OFF,
        Endpoint.connection_type.in_(TAKING),
    )
    found: Endpoint | None = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound
    return found


async def set_note_door(
    session: AsyncSession, actor: Actor, *, endpoint_id: uuid.UUID, door: NoteDoor, sealer: Sealer
) -> Endpoint:
    """Set how it takes notes, from the next one on. Raises NotFound, Invalid with a sentence a field."""
    endpoint = await note_endpoint(session, actor, endpoint_id=endpoint_id, lock=True)
    errors: dict[str, str] = {}
    is_hl7 = endpoint.connection_type is ConnectionType.HL7V2
    authority = read_authority(door.authority, errors)
    values: dict[str, object] = {"receives_notes": door.receives_notes, "authority": authority}
    if is_hl7:
        if door.message not in MESSAGES:
            errors["message"] = "Choose which message it takes."
        values |= {"uses_tls": door.uses_tls, "message": door.message}
        for name in ("application", "facility"):
            values[name] = _name(getattr(door, name), name, errors)
    else:
        values["credential_sealed"] = _credential(endpoint, door, authority, errors, sealer)
    if errors:
        raise Invalid(errors)
    if told := change(endpoint, values):
        endpoint.updated_at = now()
        audit.record(session, actor, "endpoint-notes-set", endpoint, changed=told)
        await session.flush()
    return endpoint


def _name(typed: str, field: str, errors: dict[str, str]) -> str:
    name = typed.strip()
    if len(name) > LONGEST_NAME or not name.isprintable() or set(name) & set("|^~\\&"):
        errors[field] = "Write it as the system has it in its settings: 60 plain characters at most."
    return name


def _credential(
    endpoint: Endpoint, door: NoteDoor, authority: str, errors: dict[str, str], sealer: Sealer
) -> bytes | None:
    """The Authorization header, sealed. One that is set stays with the certificate it was given for."""
    token = door.token.strip()
    if not token:
        kept = None if door.forgets else endpoint.credential_sealed
        if kept is not None and authority != endpoint.authority:
            errors["token"] = "Type it again: it was given for another certificate."  # noqa: S105  (a sentence)
        return kept
    if len(token) > LONGEST_SECRET or not token.isascii() or not token.isprintable() or " " in token:
        errors["token"] = "This is no token. Paste it alone, without a word before it."  # noqa: S105  (a sentence)
        return None
    return sealer.seal(f"Bearer {token}".encode())
