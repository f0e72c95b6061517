"""Hints to look again: who has a list open hears at once that something on it changed, and no more than that.

The page tells the truth. On `changed` it asks the server for its list anew, and after every reconnect too. When it
first comes it says how old it is, and hears at once if it was hinted at something after it was made.
"""

import time
import uuid
from typing import Any, Final

from sqlalchemy import bindparam, select
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
from teleconsult.emergencies.queries import is_rung
from teleconsult.events import Event
from teleconsult.messages.occasions import ARRIVAL

NAMESPACE: Final = "/worklist"

# The first part of an event's name says what to look at again.
KINDS: Final[tuple[tuple[str, What], ...]] = (("Consult", "consult"), ("Encounter", "encounter"))
UNSCOPED: Final = "any"
ASKING_SIDE: Final = (RoleCode.DOCTOR, RoleCode.NURSE, RoleCode.SECRETARY)
WITH_LISTS: Final = (Permission.CONSULTS_SEE, Permission.AGENDA, Permission.AUDIT_READ)
RUNG: Final = (Permission.CONSULT_ANSWER, Permission.CONSULT_TRIAGE)
"""Who may be rung in an emergency: their devices listen on every page."""
OPENINGS: Final = ("GlassBroken", "GlassReviewed")
"""Told to the privacy officers of the patient's establishment, whose list of openings to judge has changed."""
NEWS: Final = ("NoticeAdded", "NoticeRead")
"""Told to all pages of the one person whose news changed."""
OLDEST: Final = 1 << 53
"""Milliseconds; JSON keeps whole numbers up to here."""
SLACK: Final = 1.0
"""Seconds by which the way of a page's greeting may be longer than that of its request."""

_SIDES: Final = (
    select(ServiceRequest.requester_organization_id, HealthcareService.organization_id, HealthcareService.specialty)
    .outerjoin(HealthcareService, HealthcareService.id == ServiceRequest.service_id)
    .where(ServiceRequest.id == bindparam("consult_id"))
)


class WorklistNamespace(SignedInNamespace):
    """Namespace `/worklist`: the server speaks, browsers listen."""

    def __init__(self, doorman: Doorman) -> None:
        super().__init__(NAMESPACE, doorman)
        self._began = time.monotonic()
        self._hinted_at: dict[str, float] = {}
        """By room, the last time. There are no more rooms than people and their lists."""

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        age = _age(auth)
        made_at = None if age is None else time.monotonic() - age - SLACK
        await super()._connect(sid, environ, auth if age is None else None)
        if made_at is not None and self._last_hint(sid) > made_at:
            await self.emit("changed", _hint("everything", None), to=sid)

    def _last_hint(self, sid: str) -> float:
        """When one of a socket's rooms was last hinted at something. What was before we began, nobody knows."""
        rooms = self.server.rooms(sid, namespace=self.namespace)
        return max((self._hinted_at.get(room, self._began) for room in rooms), default=self._began)

    async def _hint_at(self, rooms: list[str], what: What, consult_id: uuid.UUID | None = None) -> None:
        for room in rooms:
            self._hinted_at[room] = time.monotonic()
        await self.emit("changed", _hint(what, consult_id), to=rooms)

    async def entered(self, connection: Connection) -> None:
        """Join the room of those who share the actor's lists, and no other any more."""
        for room in self.server.rooms(connection.sid, namespace=self.namespace):
            if room != connection.sid:
                await self.leave_room(connection.sid, room)
        if connection.actor.role_id is not None:
            await self.enter_room(connection.sid, person_room(connection.actor.role_id))
        standing = connection.entry.standing
        if standing is not None and any(may(connection.actor, permission) for permission in WITH_LISTS):
            await self.enter_room(
                connection.sid, list_room(standing.organization_id, standing.role, standing.specialty)
            )

        if any(may(connection.actor, permission) for permission in RUNG) and connection.actor.account_id:
            await self.enter_room(connection.sid, ring_room(connection.actor.account_id))
            async with transaction(self.doorman.sessions, SYSTEM) as session:
                rings = await is_rung(session, connection.actor.account_id)
            if rings:
                await self.emit("changed", _hint("ring", None), to=connection.sid)

    async def publish(self, event: Event) -> None:
        """Hint at what an event changed, to those it concerns. An event about no consult is nobody's list."""
        if event.name == "Reconnected":
            self._began, self._hinted_at = time.monotonic(), {}
            await self.emit("changed", _hint("everything", None))
            return
        if event.name in OPENINGS and (organization_id := event.ids.get("organization")):
            await self._hint_at([list_room(organization_id, RoleCode.PRIVACY_OFFICER)], "everything")
            return
        if event.name == "EmergencyRings":
            await self._hint_at([ring_room(event.ids["rung"])], "ring")
            return
        if event.name in NEWS:
            await self._hint_at([person_room(event.ids["role"])], "notice")
            return
        if event.name == ARRIVAL:
            await self._hint_at([person_room(event.ids["role"])], "arrival", event.ids["consult"])
            return
        what = next((what for prefix, what in KINDS if event.name.startswith(prefix)), None)
        consult_id = event.ids.get("consult")
        if what is None or consult_id is None:
            return
        async with transaction(self.doorman.sessions, SYSTEM) as session:
            rooms = await concerned_rooms(session, consult_id)
        if rooms:
            await self._hint_at(rooms, what, consult_id)


def person_room(role_id: uuid.UUID) -> str:
    """The pages of one person in one role."""
    return f"person:{role_id}"


def list_room(organization_id: uuid.UUID, role: RoleCode, specialty: Specialty | None = None) -> str:
    """People of one role share their establishment's lists, specialists those of their specialty there."""
    scope = specialty if role is RoleCode.SPECIALIST and specialty else UNSCOPED
    return f"list:{organization_id}:{role}:{scope}"


def ring_room(account_id: uuid.UUID) -> str:
    """Every device of one person rings, whichever role is in force there."""
    return f"ring:{account_id}"


async def concerned_rooms(session: AsyncSession, consult_id: uuid.UUID) -> list[str]:
    """The lists a consult may stand on: the asking establishment's, and those of the service that was asked."""
    row = (await session.execute(_SIDES, {"consult_id": consult_id})).one_or_none()
    if row is None:
        return []
    asking_id, answering_id, specialty = row
    rooms = [list_room(asking_id, code) for code in ASKING_SIDE]
    if answering_id is not None:
        rooms += [list_room(answering_id, code) for code in (RoleCode.COORDINATOR, RoleCode.SECRETARY)]
        rooms.append(list_room(answering_id, RoleCode.SPECIALIST, specialty))
    return rooms


def _age(auth: object) -> float | None:
    """How long ago a page was asked for, in seconds, where one says so: `{"age": ms}`."""
    age = auth.get("age") if isinstance(auth, dict) and auth.keys() == {"age"} else None
    return age / 1000 if type(age) is int and 0 <= age <= OLDEST else None


def _hint(what: What, consult_id: uuid.UUID | None) -> dict[str, str]:
    hint: dict[str, str] = to_wire(Changed(what, now(), consult_id))
    return hint
