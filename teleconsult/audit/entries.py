"""Events as an officer reads them: the person, the patient where it is one of theirs, and why it was done."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.audit.kinds import GLASS, READS
from teleconsult.audit.models import AuditEvent
from teleconsult.audit.queries import organization_names, roles_of
from teleconsult.directory.models import PractitionerRole
from teleconsult.patients.models import CareRelation, Patient


class Why(StrEnum):
    """What allowed an act on a patient's file."""

    BREAK_GLASS = "break-glass"
    CARE = "care"
    CONSULT = "consult"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in words that can be looked up: ids are resolved, clinical content is none of it."""

    event: AuditEvent
    role: PractitionerRole | None
    patient: Patient | None
    """Where it is a patient of the officer's own establishment."""
    patient_house: str
    """Whose patient it is otherwise."""
    why: Why | None
    """None where nothing had to allow it."""
    aimed_at: PractitionerRole | None = None
    """Whose account was meant, where nobody had shown yet who they are."""
    care_reason: str = ""
    """The code that was chosen when the care relation was declared (`patients.care.CareReason`)."""


async def entries_of(session: AsyncSession, actor: Actor, events: Sequence[AuditEvent]) -> list[Entry]:
    """The events of one page, with what belongs to them; four look-ups, however many there are."""
    aims = {event.id: uuid.UUID(event.detail["aimed_at"]) for event in events if "aimed_at" in event.detail}
    acting = {event.practitioner_role_id for event in events if event.practitioner_role_id}
    roles = await roles_of(session, acting | set(aims.values()))
    patients = await own_patients(session, actor, {event.patient_id for event in events if event.patient_id})
    houses = {event.patient_organization_id for event in events if event.patient_organization_id}
    names = await organization_names(session, houses)
    care = await care_relations_of(session, events)
    return [
        Entry(
            event=event,
            role=roles.get(event.practitioner_role_id) if event.practitioner_role_id else None,
            patient=patients.get(event.patient_id) if event.patient_id else None,
            aimed_at=roles.get(aims[event.id]) if event.id in aims else None,
            patient_house=names.get(event.patient_organization_id, "") if event.patient_organization_id else "",
            **_reason(event, care[event.patient_id, event.practitioner_role_id]),
        )
        for event in events
    ]


async def own_patients(session: AsyncSession, actor: Actor, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Patient]:
    """Those of the officer's own establishment: others' names are not theirs to read."""
    found = await session.scalars(select(Patient).where(Patient.id.in_(ids), rows.watched_patients(actor)))
    return {patient.id: patient for patient in found}


Pair = tuple[uuid.UUID | None, uuid.UUID | None]


async def care_relations_of(session: AsyncSession, events: Sequence[AuditEvent]) -> dict[Pair, list[CareRelation]]:
    """Every care relation, ended or not, between the patients and the people of these events."""
    care: defaultdict[Pair, list[CareRelation]] = defaultdict(list)
    found = await session.scalars(
        select(CareRelation).where(
            CareRelation.patient_id.in_({event.patient_id for event in events if event.patient_id}),
            CareRelation.practitioner_role_id.in_(
                {event.practitioner_role_id for event in events if event.practitioner_role_id}
            ),
        )
    )
    for relation in found:
        care[relation.patient_id, relation.practitioner_role_id].append(relation)
    return care


def standing(relations: Collection[CareRelation], event: AuditEvent) -> CareRelation | None:
    """The relation that stood when the act was done."""
    for relation in relations:
        if relation.started_at <= event.recorded_at and (
            relation.ended_at is None or event.recorded_at <= relation.ended_at
        ):
            return relation
    return None


def is_without_relation(event: AuditEvent) -> bool:
    """Whether the file was open because the glass was broken."""
    return event.action in GLASS or event.detail.get("without_relation") is True


def is_for_consult(event: AuditEvent) -> bool:
    """Whether a consult was what the act was about."""
    return "consult" in event.detail or event.entity_type == "service_request"


def _reason(event: AuditEvent, relations: Collection[CareRelation]) -> dict[str, Any]:
    if event.patient_id is None or event.outcome != "success":
        return {"why": None}
    if is_without_relation(event):
        return {"why": Why.BREAK_GLASS}
    if is_for_consult(event):
        return {"why": Why.CONSULT}
    relation = standing(relations, event)
    if relation is not None:
        return {"why": Why.CARE, "care_reason": relation.reason}
    return {"why": Why.UNKNOWN if event.action in READS else None}
