"""A consult with a booked appointment, its rows laid down directly: the state every call begins in."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.consults.models import RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.encounters.actions import plan_encounter
from teleconsult.encounters.models import Encounter
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests.people import Cast


@dataclass
class Booking:
    """The rows of one booked consult between `cast.rural` and `cast.specialist`."""

    request: ServiceRequest
    task: Task
    appointment: Appointment
    encounter: Encounter

    @property
    def consult(self) -> uuid.UUID:
        """The consult's id, as pages and sockets name it."""
        return self.request.id


async def book(session: AsyncSession, cast: Cast) -> Booking:
    """Submitted, accepted, booked for a quarter of an hour from now."""
    moment = now()
    assert cast.rural.role_id and cast.rural.organization_id and cast.coordinator.role_id
    request = ServiceRequest(
        id=uuid.uuid4(),
        patient_id=cast.patient.id,
        requester_role_id=cast.rural.role_id,
        requester_organization_id=cast.rural.organization_id,
        service_id=cast.neurology.id,
        status=RequestStatus.ACTIVE,
        question="Weakness of the left arm since this morning?",
        authored_on=moment,
        updated_at=moment,
        submitted_at=moment,
    )
    session.add(request)
    await session.flush()
    task = Task(
        id=uuid.uuid4(),
        service_request_id=request.id,
        service_id=cast.neurology.id,
        owner_role_id=cast.specialist.role_id,
        status=TaskStatus.ACCEPTED,
        created_at=moment,
        modified_at=moment,
    )
    appointment = Appointment(
        id=uuid.uuid4(),
        service_request_id=request.id,
        specialist_role_id=cast.specialist.role_id,
        starts_at=moment + timedelta(minutes=15),
        ends_at=moment + timedelta(minutes=45),
        status=AppointmentStatus.BOOKED,
        created_by_id=cast.coordinator.role_id,
        created_at=moment,
        booked_at=moment,
    )
    session.add_all([task, appointment])
    await session.flush()
    encounter = await plan_encounter(session, cast.coordinator, request=request, task=task, appointment=appointment)
    return Booking(request, task, appointment, encounter)
