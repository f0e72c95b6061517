"""The trace of what was read through the door: each establishment finds in its own log who read what it wrote."""

import uuid
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.db import Base
from teleconsult.patients.models import Patient


async def trace_files(
    session: AsyncSession, actor: Actor, patient_ids: Iterable[uuid.UUID], *, entry: Base | None = None, of: str
) -> None:
    """Note that something of these patients' files was shown: one event each. `of` is the type that was asked for."""
    ids = set(patient_ids)
    if not ids:
        return
    patients = list(await session.scalars(select(Patient).where(Patient.id.in_(ids)).order_by(Patient.id)))
    persons = {patient.person_id for patient in patients}
    treated = set(
        await session.scalars(
            select(Patient.person_id).where(Patient.person_id.in_(persons), rows.treated_patients(actor))
        )
    )
    for patient in patients:
        is_own = patient.organization_id == actor.organization_id
        audit.record(
            session,
            actor,
            "file-opened" if is_own else "shared-file-read",
            entry or patient,
            patient_id=patient.id,
            without_relation=patient.person_id not in treated,
            by="fhir",
            of=of,
        )


def trace_patients(session: AsyncSession, actor: Actor, patients: list[Patient]) -> None:
    """Note that patients were searched: whom it found, where that is one."""
    found = patients[0].id if len(patients) == 1 else None
    audit.record(session, actor, "patients-searched", patient_id=found, by="fhir", found=len(patients))
