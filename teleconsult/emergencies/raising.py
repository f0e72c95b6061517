"""The button: a patient known or not, what is wrong in one line, a service. The room opens, those on duty are rung."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consents.models import ConsentBasis
from teleconsult.consents.recording import record_consent
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ConsultMode, RequestPriority, RequestStatus, ServiceRequest, Task
from teleconsult.db import act_as
from teleconsult.directory.models import HealthcareService
from teleconsult.emergencies.models import Emergency
from teleconsult.emergencies.paging import page_next, running_emergency
from teleconsult.emergencies.queries import is_running
from teleconsult.encounters.models import Encounter, EncounterParticipant, EncounterStatus
from teleconsult.errors import Invalid
from teleconsult.excerpts.choosing import suggestion_for
from teleconsult.excerpts.freezing import freeze_excerpt
from teleconsult.patients.care import CareReason, open_care_relation
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.queries import treated_patient
from teleconsult.patients.registering import register_unknown
from teleconsult.records.writing import Written, write_entries
from teleconsult.scheduling.models import Appointment, AppointmentStatus

LONGEST: Final = 300
PLANNED: Final = timedelta(hours=1)
"""How long the session takes as far as the agenda knows; nothing ends it then."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A patient nobody can identify: what one sees of them."""

    gender: AdministrativeGender = AdministrativeGender.UNKNOWN
    estimated_age: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """All that an emergency needs. `key` is drawn with the form: the same form sent twice is one emergency."""

    key: uuid.UUID
    patient: uuid.UUID | Unknown
    what: str
    service_id: uuid.UUID | None
    vitals: Sequence[Written] = ()


async def raise_emergency(session: AsyncSession, actor: Actor, *, call: Call) -> Emergency:
    """Ask at once: the request is active and `stat`, the room open, the first of those on duty rung.

    What a service usually needs of a known patient's file is shared with it, by necessity. Raises NotFound for another
    establishment's patient and for who refers nobody; Invalid on `what`, `service`, `estimated_age`, and on a vital
    sign that no body shows.
    """
    require(actor, Permission.CONSULT_REQUEST)
    turn = func.hashtextextended(f"emergency {call.key}", 0)  # who presses twice raises one
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    emergency_id, known = await _pressed_before(session, actor, call)
    if known is not None:
        return known
    service = await _checked(session, call)
    patient = await _patient(session, actor, call.patient)
    consult = await _submitted(session, actor, call, patient, service, key=emergency_id)
    emergency = Emergency(id=emergency_id, service_request_id=consult.id, pressed_at=consult.authored_on)
    session.add(emergency)
    audit.record(session, actor, "emergency-raised", emergency, patient_id=patient.id, service=service.id)
    await session.flush()
    await act_as(session, SYSTEM)  # rooms are opened by who books, and nobody pages but the system
    await open_room(session, consult)
    emergency, consult = await running_emergency(session, emergency.id)
    await page_next(session, emergency, consult)  # rings before anything else is told
    await tell_consult(session, "ConsultEmergencyRaised", consult, by=actor.role_id)
    await session.flush()
    await act_as(session, actor)
    return emergency


async def _pressed_before(session: AsyncSession, actor: Actor, call: Call) -> tuple[uuid.UUID, Emergency | None]:
    """The emergency this press raised already, while it runs; else the id of a new one.

    The form may be sent again with something else in it, or after the first was called off: then it asks anew.
    """
    said = (actor.role_id, call.patient, call.service_id, call.what)  # of somebody else's key nothing is learnt
    for turn in count():
        emergency_id = uuid.uuid5(call.key, repr((*said, turn)))
        found = select(Emergency, is_running()).join(Emergency.service_request).where(Emergency.id == emergency_id)
        known = (await session.execute(found)).one_or_none()
        if known is None:
            return emergency_id, None
        if known[1]:
            return emergency_id, known[0]
    raise AssertionError("turns are counted without end")


async def _checked(session: AsyncSession, call: Call) -> HealthcareService:
    wrong: dict[str, str] = {}
    if not call.what.strip():
        wrong |= Invalid({"what": "Say in one line what is wrong."}).fields
    if len(call.what) > LONGEST:
        wrong |= Invalid({"what": "Keep it to one line."}).fields
    service = await session.get(HealthcareService, call.service_id) if call.service_id else None
    if service is None or not service.active:
        wrong |= Invalid({"service": "Choose whom to call."}).fields
    if wrong or service is None:
        raise Invalid(wrong)
    return service


async def _patient(session: AsyncSession, actor: Actor, who: uuid.UUID | Unknown) -> Patient:
    if isinstance(who, Unknown):
        return await register_unknown(session, actor, gender=who.gender, estimated_age=who.estimated_age)
    await open_care_relation(session, actor, patient_id=who, reason=CareReason.EMERGENCY)
    return await treated_patient(session, actor, who)


async def _submitted(
    session: AsyncSession,
    actor: Actor,
    call: Call,
    patient: Patient,
    service: HealthcareService,
    *,
    key: uuid.UUID,
) -> ServiceRequest:
    """The request with its task, what is shared of the file, and the necessity that allows it until more is noted."""
    moment = now()
    consult = ServiceRequest(
        id=uuid.uuid4(),
        patient_id=patient.id,
        requester_role_id=actor.role_id,
        requester_organization_id=actor.organization_id,
        service_id=service.id,
        status=RequestStatus.ACTIVE,
        priority=RequestPriority.STAT,
        mode=ConsultMode.EMERGENCY,
        question=" ".join(call.what.split()),
        authored_on=moment,
        updated_at=moment,
        submitted_at=moment,
    )
    session.add(consult)
    await session.flush()
    session.add(Task(service_request_id=consult.id, service_id=service.id, created_at=moment, modified_at=moment))
    measured = []
    if call.vitals:
        measured = await write_entries(session, actor, patient_id=patient.id, written=call.vitals, key=key)
    usual: list[uuid.UUID] = []
    if not isinstance(call.patient, Unknown):
        usual = await suggestion_for(session, actor, patient_id=patient.id, specialty=service.specialty)
    chosen = list(dict.fromkeys([*(entry.id for entry in measured), *usual]))
    await freeze_excerpt(session, actor, consult_id=consult.id, patient=patient, entries=chosen)
    await record_consent(
        session,
        actor,
        patient_id=patient.id,
        consult_id=consult.id,
        basis=ConsentBasis.NECESSITY,
        given_by=consult.question,
    )
    return consult


async def open_room(session: AsyncSession, consult: ServiceRequest) -> None:
    """The session runs from now on, with a seat for who asked.

    Its time is nobody's booking: a specialist with a session at the same hour may still answer.
    """
    moment = now()
    appointment = Appointment(
        id=uuid.uuid4(),
        service_request_id=consult.id,
        starts_at=moment,
        ends_at=moment + PLANNED,
        status=AppointmentStatus.ARRIVED,
        created_by_id=consult.requester_role_id,
        created_at=moment,
        booked_at=moment,
    )
    session.add(appointment)
    await session.flush()
    encounter = Encounter(
        id=uuid.uuid4(),
        service_request_id=consult.id,
        appointment_id=appointment.id,
        status=EncounterStatus.IN_PROGRESS,
        started_at=moment,
    )
    session.add(encounter)
    await session.flush()
    session.add(EncounterParticipant(encounter_id=encounter.id, practitioner_role_id=consult.requester_role_id))
    await session.flush()
