"""Looking patients up, through the actor: identity within one's own establishment, the file with a care relation."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload

from teleconsult.access import Permission, may, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import Organization
from teleconsult.errors import Forbidden, NotFound
from teleconsult.patients.models import BreakGlass, IdentityChange, Patient, PatientIdentifier


@dataclass(frozen=True, slots=True)
class PatientFile:
    """A file the actor may read: a patient, and every one that is the same person where the actor's house shares."""

    patient: Patient
    linked: tuple[Patient, ...]
    """All of them, `patient` first; their organizations are loaded."""
    opening: BreakGlass | None = None
    """What opened it where no care relation does: then it is only to be read."""

    @property
    def patient_ids(self) -> list[uuid.UUID]:
        """The ids of all local patients whose entries make this file."""
        return [patient.id for patient in self.linked]

    @property
    def is_read_only(self) -> bool:
        """Whether the file was opened without a care relation."""
        return self.opening is not None


async def patient_for(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> Patient:
    """The identity of a patient of the actor's own establishment. Raises NotFound for anyone else's."""
    require(actor, Permission.PATIENTS_FIND)
    patient = await session.scalar(
        select(Patient)
        .where(Patient.id == patient_id, rows.patients_of_house(actor))
        .options(joinedload(Patient.organization))
    )
    if patient is None:
        raise NotFound
    return patient


async def treated_patient(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> Patient:
    """The same, of a patient the actor treats: what every act on a file begins with. Raises Forbidden as well."""
    require(actor, Permission.FILE_READ)
    patient = await _in_care(session, actor, patient_id)
    if patient is None:
        await patient_for(session, actor, patient_id)
        raise Forbidden("Say first that you are treating this patient.")
    return patient


async def patient_to_identify(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> Patient:
    """A patient whose identity is the actor's to write: whom they treat; for a secretary, any of the house.

    Raises NotFound for another establishment's and for who registers nobody, Forbidden without a care relation.
    """
    require(actor, Permission.PATIENT_REGISTER)
    look_up = treated_patient if may(actor, Permission.FILE_READ) else patient_for
    return await look_up(session, actor, patient_id)


async def has_care_relation(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> bool:
    """Whether the actor has said that they treat this patient, and has not stopped."""
    return await _in_care(session, actor, patient_id) is not None


async def standing_opening(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> BreakGlass | None:
    """The opening without a care relation by which the actor may read this file now; its patient is loaded."""
    return await session.scalar(
        select(BreakGlass)
        .where(BreakGlass.patient_id == patient_id, rows.openings(actor))
        .order_by(BreakGlass.expires_at.desc())
        .limit(1)
        .options(joinedload(BreakGlass.patient).joinedload(Patient.organization))
    )


async def file_of(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> PatientFile:
    """The file, to read. Raises NotFound as `patient_for` does, Forbidden without an open care relation.

    A patient of another establishment has one for who broke the glass, until the hour is over.
    """
    require(actor, Permission.FILE_READ)
    patient = await _in_care(session, actor, patient_id)
    opening = None if patient else await standing_opening(session, actor, patient_id)
    patient = patient or (opening.patient if opening else await treated_patient(session, actor, patient_id))
    same_person = (
        select(Patient)
        .join(Patient.organization)
        .where(Patient.person_id == patient.person_id, rows.files(actor))
        .order_by(Organization.name, Patient.created_at)
        .options(contains_eager(Patient.organization))
    )
    others = tuple(row for row in await session.scalars(same_person) if row.id != patient.id)
    return PatientFile(patient, (patient, *others), opening)


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


async def _in_care(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> Patient | None:
    return await session.scalar(
        select(Patient)
        .where(Patient.id == patient_id, rows.treated_patients(actor))
        .options(joinedload(Patient.organization))
    )
