"""What a patient was called earlier: kept with the file, and given back to who was recognised by mistake."""

import uuid
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.patients.models import AdministrativeGender, IdentityChange, Patient
from teleconsult.patients.names import fold


def keep_identity(session: AsyncSession, actor: Actor, patient: Patient) -> None:
    """What the patient is called stays with the file when it is about to change."""
    before = {
        "family": patient.family,
        "given": patient.given,
        "gender": patient.gender.value,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
        "used_name": patient.used_name,
        "birth_place": patient.birth_place,
        "estimated_birth_year": patient.estimated_birth_year,
        "found_where": patient.found_where,
        "phone": patient.phone,
        "address": patient.address,
        "is_temporary": patient.is_temporary,
        "person_id": str(patient.person_id),
    }
    session.add(
        IdentityChange(
            patient_id=patient.id,
            before=before,
            changed_at=now(),
            changed_by_id=actor.role_id,
            source="" if actor.role_id else actor.name,
        )
    )


async def forget_recognition(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> None:
    """Who was recognised by mistake is unknown again, and no longer bears the traits of somebody else.

    Traits that somebody wrote since then stay: they are not the other's. The caller has taken its turn.
    """
    patient = await session.get_one(Patient, patient_id, with_for_update={"of": Patient}, populate_existing=True)
    last = await session.scalar(
        select(IdentityChange)
        .where(IdentityChange.patient_id == patient_id)
        .order_by(IdentityChange.changed_at.desc())
        .limit(1)
    )
    if last is None or not last.before["is_temporary"]:
        return
    keep_identity(session, actor, patient)
    before = last.before
    for trait in ("family", "given", "used_name", "birth_place", "phone", "address"):
        setattr(patient, trait, before[trait])
    for name in ("family", "given", "used_name"):
        setattr(patient, f"{name}_folded", fold(before[name]))
    patient.gender = AdministrativeGender(before["gender"])
    patient.birth_date = date.fromisoformat(before["birth_date"]) if before["birth_date"] else None
    patient.estimated_birth_year = before["estimated_birth_year"]
    patient.is_temporary, patient.updated_at = True, now()
    await session.flush()
