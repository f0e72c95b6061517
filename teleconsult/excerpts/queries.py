"""Reading what was shared: the frozen excerpt and its studies, through the consult they belong to."""

import uuid

from sqlalchemy import Select, exists, false, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consents.recording import is_permitted, permits
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for, visible_to
from teleconsult.consults.states import Part, part_of
from teleconsult.directory.models import RoleCode
from teleconsult.errors import NotFound, Refused
from teleconsult.excerpts.models import Excerpt, ExcerptRead, ExcerptStudy
from teleconsult.imaging.models import ImagingStudy


async def excerpt_for(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> Excerpt:
    """The newest version of a consult's excerpt with its items; the reading is logged and audited.

    The requesting side may always read what it shared; the specialists only until it expires, is revoked, or the
    consent is withdrawn (Refused). A coordinator sorts requests without it. Raises NotFound for anyone else and
    for a draft.
    """
    consult = await consult_for(session, actor, consult_id)
    part = part_of(consult, actor)
    excerpt = await session.scalar(
        select(Excerpt)
        .where(Excerpt.service_request_id == consult.id)
        .order_by(Excerpt.version.desc())
        .limit(1)
        .options(selectinload(Excerpt.items))
    )
    if excerpt is None or actor.role_id is None or part is Part.COORDINATOR:
        raise NotFound
    if part in (Part.CANDIDATE, Part.OWNER):
        await _refuse_when_closed(session, excerpt, consult.id)
    session.add(ExcerptRead(excerpt_id=excerpt.id, practitioner_role_id=actor.role_id, read_at=now()))
    audit.record(session, actor, "excerpt-read", excerpt, patient_id=consult.patient_id, consult=consult.id)
    await session.flush()
    return excerpt


def shared_with(actor: Actor) -> Select[uuid.UUID]:
    """Ids of the studies that consults share with the actor now: a specialist of the service, or who accepted."""
    return (
        select(ExcerptStudy.imaging_study_id)
        .join(Excerpt, Excerpt.id == ExcerptStudy.excerpt_id)
        .join(ServiceRequest, ServiceRequest.id == Excerpt.service_request_id)
        .where(
            true() if actor.role is RoleCode.SPECIALIST else false(),
            Excerpt.revoked_at.is_(None),
            Excerpt.expires_at > now(),
            visible_to(actor),
            is_permitted(ServiceRequest.id),
        )
    )


async def shared_studies(session: AsyncSession, excerpt: Excerpt) -> list[ImagingStudy]:
    """The studies an excerpt shares, oldest first, with their series."""
    is_shared = exists().where(ExcerptStudy.excerpt_id == excerpt.id, ExcerptStudy.imaging_study_id == ImagingStudy.id)
    studies = await session.scalars(
        select(ImagingStudy)
        .where(is_shared)
        .order_by(ImagingStudy.started_at)
        .options(selectinload(ImagingStudy.series))
    )
    return list(studies)


async def _refuse_when_closed(session: AsyncSession, excerpt: Excerpt, consult_id: uuid.UUID) -> None:
    if excerpt.expires_at <= now():
        raise Refused("This excerpt has expired. Ask the referring doctor to share it again.")
    if excerpt.revoked_at is not None or not await permits(session, consult_id):
        raise Refused("This excerpt is no longer shared.")
