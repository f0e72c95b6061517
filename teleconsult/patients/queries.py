"""Looking patients up, through the actor: identity within one's own establishment, the file with a care relation."""

import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload

from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import Organization, RoleCode
from teleconsult.errors import Forbidden, NotFound
from teleconsult.patients.models import CareRelation, IdentityChange, Patient, PatientIdentifier

READERS: Final = frozenset({RoleCode.DOCTOR, RoleCode.SPECIALIST})
"""The roles that treat patients; coordinators and administrators see consults, not patients."""


@dataclass(frozen=True, slots=True)
class PatientFile:
    """A file the actor may read: their own establishment's patient, and every patient that is the same person."""

    patient: Patient
    linked: tuple[Patient, ...]
    """All of them, `patient` first; their organizations are loaded."""

    @property
    def patient_ids(self) -> list[uuid.UUID]:
        """The ids of all local patients whose entries make this file."""
        return [patient.id for patient in self.linked]


async def patient_for(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> Patient:
    """The patient's identity. Raises NotFound outside the actor's establishment, or for a role that treats nobody."""
    if actor.role not in READERS:
        raise NotFound
    patient = await session.scalar(
        select(Patient)
        .where(Patient.id == patient_id, Patient.organization_id == actor.organization_id)
        .options(joinedload(Patient.organization))
    )
    if patient is None:
        raise NotFound
    return patient


async def has_care_relation(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> bool:
    """Whether the actor has said that they treat this patient, and has not stopped."""
    relation = select(CareRelation.id).where(
        CareRelation.patient_id == patient_id,
        CareRelation.practitioner_role_id == actor.role_id,
        CareRelation.ended_at.is_(None),
    )
    return await session.scalar(relation) is not None


async def file_of(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> PatientFile:
    """The file. Raises NotFound as `patient_for` does, Forbidden without an open care relation."""
    patient = await patient_for(session, actor, patient_id)
    if not await has_care_relation(session, actor, patient_id):
        raise Forbidden("Say first that you are treating this patient.")
    rows = await session.scalars(linked_patients(patient, actor.sharing_network))
    others = tuple(row for row in rows if row.id != patient.id)
    return PatientFile(patient, (patient, *others))


def linked_patients(patient: Patient, sharing_network: str | None) -> Select[Patient]:
    """Every local patient who is the same person, at this establishment and those it shares with."""
    shared = and_(Organization.sharing_network.is_not(None), Organization.sharing_network == sharing_network)
    return (
        select(Patient)
        .join(Patient.organization)
        .where(
            Patient.person_id == patient.person_id,
            or_(Patient.organization_id == patient.organization_id, shared),
        )
        .order_by(Organization.name, Patient.created_at)
        .options(contains_eager(Patient.organization))
    )


async def identifiers_of(session: AsyncSession, patient: Patient) -> list[PatientIdentifier]:
    """The numbers authorities gave the patient, as this establishment knows them."""
    rows = await session.scalars(
        select(PatientIdentifier)
        .where(PatientIdentifier.patient_id == patient.id)
        .order_by(PatientIdentifier.recorded_at)
        .limit(20)
    )
    return list(rows)


async def earlier_identities(session: AsyncSession, patient: Patient) -> list[IdentityChange]:
    """What the patient was called before, latest first."""
    rows = await session.scalars(
        select(IdentityChange)
        .where(IdentityChange.patient_id == patient.id)
        .order_by(IdentityChange.changed_at.desc())
        .limit(20)
    )
    return list(rows)
