"""Who treats whom: a care relation is said once, with a reason, and opens the file."""

import uuid
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Invalid
from teleconsult.events import tell
from teleconsult.patients.models import CareRelation
from teleconsult.patients.queries import PatientFile, file_of, patient_for, treated_patient


class CareReason(StrEnum):
    """Why somebody opens a file."""

    CONSULTATION = "consultation"
    EMERGENCY = "emergency"
    INPATIENT = "inpatient"
    ON_CALL = "on-call"
    FOLLOW_UP = "follow-up"


async def open_care_relation(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, reason: str
) -> CareRelation:
    """Say "I am treating this patient". Saying it twice changes nothing.

    Raises NotFound outside the actor's own establishment and for who treats nobody, Invalid for a reason that is none.
    """
    require(actor, Permission.FILE_READ)
    patient = await patient_for(session, actor, patient_id)
    if reason not in set(CareReason):
        raise Invalid({"reason": "Choose why you open this file."})
    relation_id = await session.scalar(
        insert(CareRelation)
        .values(
            id=uuid.uuid4(),
            patient_id=patient.id,
            practitioner_role_id=actor.role_id,
            reason=reason,
            started_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(CareRelation.id)
    )
    relation = await session.scalar(
        select(CareRelation).where(CareRelation.patient_id == patient.id, rows.care_relations(actor))
    )
    assert relation is not None
    if relation_id is not None:
        audit.record(session, actor, "care-relation-opened", relation, patient_id=patient.id, reason=reason)
        await tell(session, "AccessChanged", role=actor.role_id)
    return relation


async def end_care_relation(session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID) -> None:
    """Say "I no longer treat this patient": the file closes for the actor, and the rooms that rested on it.

    What they asked and were answered stays theirs to see. Raises NotFound and Forbidden where there is no relation.
    """
    patient = await treated_patient(session, actor, patient_id)
    await session.execute(
        update(CareRelation)
        .where(CareRelation.patient_id == patient.id, rows.care_relations(actor))
        .values(ended_at=now())
    )
    audit.record(session, actor, "care-relation-ended", patient, patient_id=patient.id)
    await tell(session, "AccessChanged", role=actor.role_id)


async def open_file(session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID) -> PatientFile:
    """The file, and the trace of having opened it. Raises as `file_of` does."""
    file = await file_of(session, actor, patient_id)
    for patient in file.linked:
        audit.record(
            session,
            actor,
            # each establishment finds in its own log who read what it wrote
            "file-opened" if patient is file.patient else "shared-file-read",
            patient,
            patient_id=patient.id,
            without_relation=file.is_read_only,
        )
    return file
