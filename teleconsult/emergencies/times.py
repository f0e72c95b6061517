"""At what times an emergency came how far: what the service is judged by."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ServiceRequest
from teleconsult.emergencies.models import Emergency
from teleconsult.encounters.attendance import spans_of, stays_of, together
from teleconsult.encounters.models import Encounter, EncounterParticipant


class Moment(StrEnum):
    """What the times of an emergency are kept of, in the order in which they usually come."""

    PRESSED = "pressed"
    PAGED = "paged"
    RUNG = "rung"
    ANSWERED = "answered"
    ON_VIDEO = "on-video"
    IMAGES = "images-visible"
    DECIDED = "decided"


async def times_of(session: AsyncSession, emergency: Emergency) -> list[tuple[Moment, datetime]]:
    """When it came how far, in order; what has not come yet is left out.

    The first page and the first ring count; on video is when both were in the room together for the first time. Of one
    that had turned out to be none and is one again, what came before the second press does not count.
    """
    pages = [page for page in emergency.pages if page.paged_at >= emergency.counts_from]
    rung = [page.rung_at for page in pages if page.rung_at is not None]
    times = {
        Moment.PRESSED: emergency.counts_from,
        Moment.PAGED: min((page.paged_at for page in pages), default=None),
        Moment.RUNG: min(rung, default=None),
        Moment.ANSWERED: emergency.answered_at,
        Moment.ON_VIDEO: await met_at(session, emergency),
        Moment.IMAGES: emergency.images_at,
        Moment.DECIDED: emergency.decided_at,
    }
    return sorted(((what, at) for what, at in times.items() if at is not None), key=lambda told: told[1])


async def met_at(session: AsyncSession, emergency: Emergency) -> datetime | None:
    """When who asked and who answered were first in the room together; None before."""
    if emergency.answered_by_id is None:
        return None
    found = await session.scalars(
        select(EncounterParticipant)
        .join(Encounter, Encounter.id == EncounterParticipant.encounter_id)
        .join(ServiceRequest, ServiceRequest.id == Encounter.service_request_id)
        .where(
            ServiceRequest.id == emergency.service_request_id,
            EncounterParticipant.practitioner_role_id.in_((ServiceRequest.requester_role_id, emergency.answered_by_id)),
        )
    )
    seats = {seat.practitioner_role_id: seat for seat in found}
    answers = seats.pop(emergency.answered_by_id, None)
    if answers is None or not seats:
        return None
    (asks,) = seats.values()
    stays = await stays_of(session, answers.encounter_id)
    return min((span.start for span in together(spans_of(stays, answers.id), spans_of(stays, asks.id))), default=None)
