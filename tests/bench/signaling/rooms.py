"""Rooms for thousands: consults that are booked, each between a doctor and a specialist who are signed in.

The rows are written at once, as the product would leave them; what happens at the sockets is all the product's.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts import Actor
from teleconsult.accounts.models import Account
from teleconsult.accounts.sessions import open_session
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentBasis
from teleconsult.consults.models import RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole, RoleCode, Specialty
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.patients.models import CareRelation
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.settings import Settings
from tests.people import Cast, another_person

OF_ONE: Final = 20
"""Rooms of one doctor and one specialist: as many sockets as an account may have."""


@dataclass(frozen=True, slots=True)
class Booked:
    """A room, and the cookies of the two who may enter it."""

    consult: uuid.UUID
    cookies: tuple[str, str]


async def booked_rooms(sessions: Sessions, settings: Settings, cast: Cast, count: int) -> list[Booked]:
    """So many of them."""
    rooms: list[Booked] = []
    while len(rooms) < count:
        async with transaction(sessions) as session:
            doctor = await another_person(session, cast, "rural", RoleCode.DOCTOR, Specialty.GENERAL)
            specialist = await another_person(session, cast, "tertiary", RoleCode.SPECIALIST, Specialty.NEUROLOGY)
            assert doctor.role_id is not None
            session.add(_care(cast, doctor.role_id))
            cookies = (
                await _signed_in(session, settings, doctor),
                await _signed_in(session, settings, specialist),
            )
            for _ in range(min(OF_ONE, count - len(rooms))):
                rooms.append(Booked(await _book(session, cast, doctor, specialist), cookies))
    return rooms


def _care(cast: Cast, role_id: uuid.UUID) -> CareRelation:
    return CareRelation(patient_id=cast.patient.id, practitioner_role_id=role_id, reason="asked for", started_at=now())


async def _signed_in(session: AsyncSession, settings: Settings, actor: Actor) -> str:
    account = await session.get_one(Account, actor.account_id)
    options = [joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization)]
    role = await session.get_one(PractitionerRole, actor.role_id, options=options)
    return open_session(session, settings, account, role, methods="pwd", address="127.0.0.1")[1]


async def _book(session: AsyncSession, cast: Cast, doctor: Actor, specialist: Actor) -> uuid.UUID:
    moment = now()
    roles = doctor.role_id, specialist.role_id
    assert roles[0] is not None
    request = ServiceRequest(
        id=uuid.uuid4(),
        patient_id=cast.patient.id,
        requester_role_id=roles[0],
        requester_organization_id=cast.organizations["rural"].id,
        service_id=cast.neurology.id,
        status=RequestStatus.ACTIVE,
        question="A headache.",
        authored_on=moment,
        updated_at=moment,
        submitted_at=moment,
    )
    appointment = Appointment(
        id=uuid.uuid4(),
        service_request_id=request.id,
        specialist_role_id=roles[1],
        starts_at=moment + timedelta(hours=1),
        ends_at=moment + timedelta(hours=2),
        status=AppointmentStatus.BOOKED,
        created_by_id=roles[0],
        created_at=moment,
        booked_at=moment,
        sequence=0,
        told_sequence=0,  # calendars were told long ago
    )
    encounter = Encounter(id=uuid.uuid4(), service_request_id=request.id, appointment_id=appointment.id)
    session.add(request)
    await session.flush()
    session.add_all(
        [
            Task(
                service_request_id=request.id,
                service_id=cast.neurology.id,
                owner_role_id=roles[1],
                status=TaskStatus.ACCEPTED,
                created_at=moment,
                modified_at=moment,
            ),
            Consent(
                patient_id=cast.patient.id,
                service_request_id=request.id,
                basis=ConsentBasis.PATIENT,
                recorded_by_id=roles[0],
                recorded_at=moment,
            ),
            appointment,
        ]
    )
    await session.flush()
    session.add(encounter)
    await session.flush()
    session.add_all(EncounterParticipant(encounter_id=encounter.id, practitioner_role_id=role) for role in roles)
    return request.id
