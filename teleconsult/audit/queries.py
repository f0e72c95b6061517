"""Reading the audit log, for those who watch over an establishment: what its people did, and anybody to its patients.

Every question is answered from an index, latest first, a page at a time.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.access import Permission, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.audit.kinds import CONDITIONS, Kind
from teleconsult.audit.models import AuditEvent
from teleconsult.db import plan_anew
from teleconsult.directory.models import Organization, Practitioner, PractitionerRole
from teleconsult.errors import NotFound
from teleconsult.patients.models import Patient

PAGE: Final = 50
MOST_PEOPLE: Final = 20


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last event of a page: the next one begins after it."""

    recorded_at: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.recorded_at.isoformat()}_{self.id}"

    @classmethod
    def of(cls, event: AuditEvent) -> Self:
        """Where this event stands."""
        return cls(event.recorded_at, event.id)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read back what `str` wrote. Raises ValueError."""
        moment, _, id_ = text.partition("_")
        recorded_at = datetime.fromisoformat(moment)
        if recorded_at.tzinfo is None:
            raise ValueError("no time zone")
        return cls(recorded_at, uuid.UUID(id_))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events somebody wants to see; nothing narrows where nothing is said."""

    patient_id: uuid.UUID | None = None
    practitioner_id: uuid.UUID | None = None
    role_id: uuid.UUID | None = None
    kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None
    by_people: bool = False
    """Only what somebody did in a role, and no system by itself."""


async def events(
    session: AsyncSession, actor: Actor, *, asked: Asked, before: Cursor | None = None, limit: int = PAGE
) -> Sequence[AuditEvent]:
    """The latest events that were asked for, at most `limit`, from `before` on. Raises NotFound for who may not ask."""
    require(actor, Permission.AUDIT_READ)
    await plan_anew(session)
    narrowed = await _conditions(session, asked)
    if before is not None:
        narrowed.append(tuple_(AuditEvent.recorded_at, AuditEvent.id) < (before.recorded_at, before.id))
    if not (asked.patient_id or asked.practitioner_id or asked.role_id):
        # Two questions, each answered by an index of its own; one with "or" would read the whole log.
        ids = union(
            *(
                _latest(select(AuditEvent.id), [house == actor.organization_id, *narrowed], limit)
                for house in (AuditEvent.organization_id, AuditEvent.patient_organization_id)
            )
        ).subquery()
        narrowed = [AuditEvent.id.in_(select(ids.c.id))]
    found = _latest(select(AuditEvent), [rows.audit_events(actor), *narrowed], limit)
    return (await session.scalars(found)).all()


async def event(session: AsyncSession, actor: Actor, *, event_id: uuid.UUID) -> AuditEvent:
    """One event. Raises NotFound where it is none of the establishment's."""
    require(actor, Permission.AUDIT_READ)
    found = await session.scalar(select(AuditEvent).where(AuditEvent.id == event_id, rows.audit_events(actor)))
    if found is None:
        raise NotFound
    return found


def _latest(query: Select[Any], conditions: Collection[ColumnElement[bool]], limit: int) -> Select[Any]:
    return query.where(*conditions).order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc()).limit(limit)


async def _conditions(session: AsyncSession, asked: Asked) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.patient_id is not None:
        conditions.append(AuditEvent.patient_id == asked.patient_id)
    if asked.practitioner_id is not None:
        roles = select(PractitionerRole.id).where(PractitionerRole.practitioner_id == asked.practitioner_id)
        conditions.append(AuditEvent.practitioner_role_id.in_((await session.scalars(roles)).all()))
    if asked.role_id is not None:
        conditions.append(AuditEvent.practitioner_role_id == asked.role_id)
    if asked.by_people:
        conditions.append(AuditEvent.practitioner_role_id.is_not(None))
    if asked.kind is not None:
        conditions.append(CONDITIONS[asked.kind])
    if asked.since is not None:
        conditions.append(AuditEvent.recorded_at >= asked.since)
    if asked.until is not None:
        conditions.append(AuditEvent.recorded_at < asked.until)
    return conditions


async def patient_by_number(session: AsyncSession, actor: Actor, *, number: str) -> Patient | None:
    """The patient of the officer's establishment with this file number, written as people write it."""
    require(actor, Permission.AUDIT_READ)
    return await session.scalar(
        select(Patient).where(
            rows.watched_patients(actor),
            Patient.local_number.in_({number.strip(), number.strip().upper()}),
        )
    )


async def people_named(session: AsyncSession, actor: Actor, *, words: str) -> Sequence[Practitioner]:
    """Those of the officer's establishment whose name or number has every word; at most twenty."""
    require(actor, Permission.AUDIT_READ)
    name = func.concat_ws(
        " ", Practitioner.prefix, Practitioner.given, Practitioner.family, Practitioner.registration_number
    )
    here = and_(PractitionerRole.practitioner_id == Practitioner.id, rows.roles_of_house(actor))
    found = await session.scalars(
        select(Practitioner)
        .where(
            select(PractitionerRole.id).where(here).exists(),
            *(name.icontains(word, autoescape=True) for word in words.split()[:5]),
        )
        .order_by(Practitioner.family, Practitioner.given)
        .limit(MOST_PEOPLE)
    )
    return found.all()


async def person_seen(session: AsyncSession, actor: Actor, *, practitioner_id: uuid.UUID) -> Practitioner:
    """Somebody of the establishment, or who has done something to a patient of it. Raises NotFound for others."""
    require(actor, Permission.AUDIT_READ)
    roles = select(PractitionerRole.id).where(PractitionerRole.practitioner_id == practitioner_id)
    # Everybody may read the directory, so no wall stands here: that they work here is what is asked.
    works_here = select(PractitionerRole.id).where(
        PractitionerRole.practitioner_id == practitioner_id, PractitionerRole.organization_id == actor.organization_id
    )
    has_acted = select(AuditEvent.id).where(AuditEvent.practitioner_role_id.in_(roles), rows.audit_events(actor))
    person = await session.scalar(
        select(Practitioner).where(Practitioner.id == practitioner_id, or_(works_here.exists(), has_acted.exists()))
    )
    if person is None:
        raise NotFound
    return person


async def roles_of(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, PractitionerRole]:
    """Roles by their id; people and establishments are loaded."""
    found = await session.scalars(
        select(PractitionerRole)
        .where(PractitionerRole.id.in_(ids))
        .options(joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization))
    )
    return {role.id: role for role in found}


async def organization_names(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """What establishments are called."""
    if not ids:
        return {}
    found = await session.execute(select(Organization.id, Organization.name).where(Organization.id.in_(ids)))
    return {row.id: row.name for row in found}
