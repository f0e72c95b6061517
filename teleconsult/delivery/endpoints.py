"""Record systems that take notes by themselves, of establishments that have a part in a consult."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.delivery.models import Channel
from teleconsult.delivery.parcel import Place
from teleconsult.directory.models import ConnectionType, Endpoint

CHANNEL_OF: Final = {ConnectionType.FHIR: Channel.FHIR, ConnectionType.HL7V2: Channel.HL7V2}
_ASKED: Final = text("select id, connection_type, name from note_endpoints(:houses)")


@dataclass(frozen=True, slots=True)
class NoteEndpoint:
    """One of them, as who signs may know it."""

    id: uuid.UUID
    channel: Channel
    name: str


async def endpoints_of(session: AsyncSession, organization_ids: Iterable[uuid.UUID]) -> list[NoteEndpoint]:
    """Those in use, establishment by establishment, by name."""
    found = await session.execute(_ASKED, {"houses": list(organization_ids)})
    return [NoteEndpoint(row.id, CHANNEL_OF[ConnectionType(row.connection_type)], row.name) for row in found]


def place_of(endpoint: Endpoint) -> Place:
    """Where it stands, for a sender."""
    return Place(
        address=endpoint.address,
        uses_tls=endpoint.uses_tls,
        authority=endpoint.authority,
        credential_sealed=endpoint.credential_sealed,
        message=endpoint.message,
        application=endpoint.application,
        facility=endpoint.facility,
    )
