"""Hints to look again: who has a list open hears at once that something on it changed, and no more than that.

The page tells the truth. On `changed` it asks the server for its list anew, and after every reconnect too.
"""

import uuid
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from signaling.connection import Connection, SignedInNamespace
from signaling.doorman import Doorman
from signaling.protocol import Changed, What
from signaling.wire import to_wire
from teleconsult.access import Permission, may
from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import transaction
from teleconsult.directory.models import HealthcareService, RoleCode, Specialty
from teleconsult.events import Event

NAMESPACE: Final = "/worklist"

# The first part of an event's name says what to look at again.
KINDS: Final[tuple[tuple[str, What], ...]] = (("Consult", "consult"), ("Encounter", "encounter"))
UNSCOPED: Final = "any"
ASKING_SIDE: Final = (RoleCode.DOCTOR, RoleCode.NURSE, RoleCode.SECRETARY)
WITH_LISTS: Final = (Permission.CONSULTS_SEE, Permission.AGENDA, Permission.AUDIT_READ)
OPENINGS: Final = ("GlassBroken", "GlassReviewed")
"""Told to the privacy officers of the patient's establishment, whose list of openings to judge has changed."""


class WorklistNamespace(SignedInNamespace):
    """Namespace `/worklist`: the server speaks, browsers listen."""

    def __init__(self, doorman: Doorman) -> None:
        super().__init__(NAMESPACE, doorman)

    async def entered(self, connection: Connection) -> None:
        """Join the room of those who share the actor's lists, and no other any more."""
        for room in self.server.rooms(connection.sid, namespace=self.namespace):
            if room != connection.sid:
                await self.leave_room(connection.sid, room)
        standing = connection.entry.standing
        if standing is not None and any(may(connection.actor, permission) for permission in WITH_LISTS):
            await self.enter_room(
                connection.sid, list_room(standing.organization_id, standing.role, standing.specialty)
            )

    async def publish(self, event: Event) -> None:
        """Hint at what an event changed, to those it concerns. An event about no consult is nobody's list."""
        if event.name == "Reconnected":
            await self.emit("changed", _hint("everything", None))
            return
        if event.name in OPENINGS and (organization_id := event.ids.get("organization")):
            room = list_room(organization_id, RoleCode.PRIVACY_OFFICER)
            await self.emit("changed", _hint("everything", None), to=room)
            return
        what = next((what for prefix, what in KINDS if event.name.startswith(prefix)), None)
        consult_id = event.ids.get("consult")
        if what is None or consult_id is None:
            return
        async with transaction(self.doorman.sessions, SYSTEM) as session:
            rooms = await concerned_rooms(session, consult_id)
        if rooms:
            await self.emit("changed", _hint(what, consult_id), to=rooms)


def list_room(organization_id: uuid.UUID, role: RoleCode, specialty: Specialty | None = None) -> str:
    """People of one role share their establishment's lists, specialists those of their specialty there."""
    scope = specialty if role is RoleCode.SPECIALIST and specialty else UNSCOPED
    return f"list:{organization_id}:{role}:{scope}"


async def concerned_rooms(session: AsyncSession, consult_id: uuid.UUID) -> list[str]:
    """The lists a consult may stand on: the asking establishment's, and those of the service that was asked."""
    row = (
        await session.execute(
            select(ServiceRequest.requester_organization_id, HealthcareService)
            .outerjoin(HealthcareService, HealthcareService.id == ServiceRequest.service_id)
            .where(ServiceRequest.id == consult_id)
        )
    ).one_or_none()
    if row is None:
        return []
    requester_organization_id, service = row
    rooms = [list_room(requester_organization_id, code) for code in ASKING_SIDE]
    if service is not None:
        rooms += [list_room(service.organization_id, code) for code in (RoleCode.COORDINATOR, RoleCode.SECRETARY)]
        rooms.append(list_room(service.organization_id, RoleCode.SPECIALIST, service.specialty))
    return rooms


def _hint(what: What, consult_id: uuid.UUID | None) -> dict[str, str]:
    hint: dict[str, str] = to_wire(Changed(what, now(), consult_id))
    return hint
