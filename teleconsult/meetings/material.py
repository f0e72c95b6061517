"""Whether what a case needs to be discussed is there; what is missing is named. It reminds, and stops nobody."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, column, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.excerpts.completeness import NEEDS, Needed
from teleconsult.excerpts.models import Excerpt
from teleconsult.meetings.models import STANDING, MeetingCase


class Missing(StrEnum):
    """What a case may lack."""

    QUESTION = "question"
    EXCERPT = "excerpt"
    IMAGES = "images"
    PRESENTER = "presenter"


_PICTURED: Final = (Needed.IMAGES, Needed.PHOTOGRAPH, Needed.ECG)


async def missing_of(session: AsyncSession, cases: Sequence[MeetingCase]) -> Mapping[uuid.UUID, tuple[Missing, ...]]:
    """What each of the cases that stand lacks, by its id. Their consults are whole; the actor sees them."""
    standing = [case for case in cases if case.status in STANDING]
    consults = [case.service_request_id for case in standing]
    shared, pictured = await _shared(session, consults), await _pictured(session, consults)
    return {case.id: tuple(_missing(case, case.consult, shared=shared, pictured=pictured)) for case in standing}


def _missing(
    case: MeetingCase, consult: ServiceRequest, *, shared: Collection[uuid.UUID], pictured: Collection[uuid.UUID]
) -> list[Missing]:
    assert consult.service is not None, "what is listed was submitted"
    wants_images = any(need in _PICTURED for need in NEEDS.get(consult.service.specialty, ()))
    found = []
    if not consult.question.strip():
        found.append(Missing.QUESTION)
    if consult.id not in shared:
        found.append(Missing.EXCERPT)
    if wants_images and consult.id not in pictured:
        found.append(Missing.IMAGES)
    if case.presenter_role_id is None:
        found.append(Missing.PRESENTER)
    return found


async def _shared(session: AsyncSession, consults: Collection[uuid.UUID]) -> set[uuid.UUID]:
    in_force = Excerpt.revoked_at.is_(None) & or_(Excerpt.expires_at.is_(None), Excerpt.expires_at > now())
    found = await session.scalars(
        select(Excerpt.service_request_id).where(Excerpt.service_request_id.in_(consults), in_force)
    )
    return set(found)


async def _pictured(session: AsyncSession, consults: Collection[uuid.UUID]) -> set[uuid.UUID]:
    told = func.consult_images(ServiceRequest.id).table_valued(column("images", BigInteger)).lateral()
    found = await session.scalars(
        select(ServiceRequest.id).join(told, told.c.images > 0).where(ServiceRequest.id.in_(consults))
    )
    return set(found)
