"""What a note says, gathered from the rows: the frozen content that is shown, printed and signed."""

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, BigInteger, DateTime, Text, column, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import HealthcareService, PractitionerRole
from teleconsult.encounters.models import Encounter
from teleconsult.meetings.concluding import meeting_in_note
from teleconsult.notes.content import Clinician, ImagesShared, KeyImage, NoteContent, PatientIdentity
from teleconsult.notes.models import Composition
from teleconsult.patients.models import IdentifierStatus, Patient, PatientIdentifier

_SHARED: Final = (
    *(column("study_instance_uid", Text), column("description", Text), column("modalities", ARRAY(Text))),
    *(column("started_at", DateTime(timezone=True)), column("images", BigInteger)),
)


async def compose(session: AsyncSession, note: Composition, *, at: datetime, verify_at: str) -> NoteContent:
    """The note with everyone and everything it names, as they are now; `at` is the moment it is written."""
    request = await session.get_one(
        ServiceRequest, note.service_request_id, options=[joinedload(ServiceRequest.service)]
    )
    author = await _role(session, note.author_role_id)
    requester = await _role(session, request.requester_role_id)
    encounter = await _encounter(session, note)
    assert isinstance(request.service, HealthcareService)  # nothing is answered that was not submitted
    assert request.submitted_at is not None
    earlier = await session.get_one(Composition, note.related_id) if note.related_id else None
    return NoteContent(
        id=str(note.id),
        language=note.language,
        zone=author.organization.time_zone,
        written_at=at,
        requester=_clinician(requester),
        author=_clinician(author),
        patient=await _patient(session, note.patient_id),
        consult_id=str(request.id),
        consult_number=request.number,
        service=request.service.specialty,
        question=request.question,
        asked_at=request.submitted_at,
        sections=dict(note.sections),
        verify_at=verify_at,
        images=await _images(session, request.id),
        session_started_at=encounter.started_at if encounter else None,
        session_ended_at=encounter.ended_at if encounter else None,
        encounter_id=str(encounter.id) if encounter else None,
        key_images=tuple(map(KeyImage.of, note.key_images)),
        meeting=await meeting_in_note(session, request.id),
        document_oid=note.document_oid,
        set_id=str(note.set_id),
        version_number=note.version_number,
        relation=note.relation,
        related_oid=earlier.document_oid if earlier else "",
        related_at=earlier.signed_at if earlier else None,
        verify_code=note.verify_code or "",
        invisible_to_patient=note.invisible_to_patient,
        invisible_to_guardians=note.invisible_to_guardians,
    )


async def _role(session: AsyncSession, role_id: uuid.UUID) -> PractitionerRole:
    return await session.get_one(
        PractitionerRole,
        role_id,
        options=[joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization)],
        populate_existing=True,
    )


def _clinician(role: PractitionerRole) -> Clinician:
    return Clinician(
        role_id=str(role.id),
        name=role.practitioner.name,
        specialty=role.specialty or "",
        registration_number=role.practitioner.registration_number,
        organization_id=str(role.organization_id),
        organization=role.organization.name,
        family=role.practitioner.family,
        given=role.practitioner.given,
        prefix=role.practitioner.prefix,
        organization_number=role.organization.structure_number,
    )


async def _patient(session: AsyncSession, patient_id: uuid.UUID) -> PatientIdentity:
    patient = await session.get_one(Patient, patient_id)
    found = await session.execute(
        select(PatientIdentifier.system, PatientIdentifier.value, PatientIdentifier.status)
        .where(PatientIdentifier.patient_id == patient_id, PatientIdentifier.status != IdentifierStatus.WITHDRAWN)
        .order_by(PatientIdentifier.system, PatientIdentifier.value)
    )
    numbers = found.all()
    return PatientIdentity(
        id=str(patient.id),
        name=patient.name,
        birth_date=patient.birth_date,
        gender=patient.gender,
        local_number=patient.local_number,
        identifiers=tuple((number.system, number.value) for number in numbers),
        is_temporary=patient.is_temporary,
        family=patient.family,
        given=patient.given,
        used_name=patient.used_name,
        birth_place=patient.birth_place,
        qualified=tuple(number.system for number in numbers if number.status is IdentifierStatus.QUALIFIED),
    )


async def _encounter(session: AsyncSession, note: Composition) -> Encounter | None:
    """The session that took place, if one did."""
    return await session.scalar(
        select(Encounter)
        .where(Encounter.service_request_id == note.service_request_id, Encounter.started_at.is_not(None))
        .order_by(Encounter.started_at.desc())
        .limit(1)
    )


async def _images(session: AsyncSession, consult_id: uuid.UUID) -> tuple[ImagesShared, ...]:
    """The studies of the consult's excerpt, with how many images each has."""
    told = func.consult_images(consult_id).table_valued(*_SHARED)
    return tuple(
        ImagesShared(
            study_uid=study.study_instance_uid,
            description=study.description,
            modality="/".join(study.modalities),
            taken_on=study.started_at.date() if study.started_at else None,
            images=study.images,
        )
        for study in await session.execute(select(told))
    )
