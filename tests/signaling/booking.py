"""A booked consult and its rows: the state every call begins in."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from teleconsult.consults.models import Task
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.models import Encounter
from teleconsult.scheduling.models import Appointment
from tests import consult_steps
from tests.people import Cast


@dataclass
class Booking:
    """The rows of one booked consult between `cast.rural` and `cast.specialist`."""

    consult: uuid.UUID
    task: Task
    appointment: Appointment
    encounter: Encounter


async def book(cast: Cast, sessions: Sessions) -> Booking:
    """Requested, accepted and booked, as people do it."""
    consult = (await consult_steps.booked(cast, sessions)).id
    async with transaction(sessions) as session:
        task, appointment, encounter = [
            (await session.scalars(select(kind).where(kind.service_request_id == consult))).one()
            for kind in (Task, Appointment, Encounter)
        ]
    return Booking(consult, task, appointment, encounter)
