"""How fast emergencies came how far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, SQLColumnExpression, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.directory.models import HealthcareService
from teleconsult.emergencies.models import Emergency, EmergencyPage
from teleconsult.encounters.call_models import Attendance
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.figures.asking import Scope, median, seconds


@dataclass(frozen=True, slots=True)
class EmergencyTimes:
    """Medians in seconds from the press of the button; None where it never came so far."""

    pressed: int
    answered: int
    """How many were answered."""
    rung: float | None
    taken: float | None
    on_video: float | None
    images: float | None
    decided: float | None


async def emergency_times(session: AsyncSession, scope: Scope) -> EmergencyTimes:
    """Of the emergencies that are counted. One question. The session is the system's.

    On video is when who asked and who answered had both come into the room.
    """
    rung = (
        select(func.min(EmergencyPage.rung_at).label("at"))
        .where(EmergencyPage.emergency_id == Emergency.id, EmergencyPage.paged_at >= Emergency.counts_from)
        .lateral("rung")
    )
    asker, answerer = _came(ServiceRequest.requester_role_id), _came(Emergency.answered_by_id)
    met = case((asker > answerer, asker), (answerer >= asker, answerer))  # null while one of them is missing
    since = Emergency.counts_from
    row = (
        await session.execute(
            select(
                func.count(),
                func.count(Emergency.answered_at),
                median(seconds(since, rung.c.at)),
                median(seconds(since, Emergency.answered_at)),
                median(seconds(since, met)),
                median(seconds(since, Emergency.images_at)),
                median(seconds(since, Emergency.decided_at)),
            )
            .select_from(Emergency)
            .join(ServiceRequest, ServiceRequest.id == Emergency.service_request_id)
            .join(HealthcareService, HealthcareService.id == ServiceRequest.service_id)
            .join(rung, literal(True))
            .where(scope.counts(), ServiceRequest.mode == ConsultMode.EMERGENCY)
        )
    ).one()
    return EmergencyTimes(*row)


def _came(role_id: SQLColumnExpression[Any]) -> ScalarSelect[datetime]:
    return (
        select(func.min(Attendance.came_at))
        .join(EncounterParticipant, EncounterParticipant.id == Attendance.participant_id)
        .join(Encounter, Encounter.id == EncounterParticipant.encounter_id)
        .where(Encounter.service_request_id == ServiceRequest.id, EncounterParticipant.practitioner_role_id == role_id)
        .scalar_subquery()
    )
