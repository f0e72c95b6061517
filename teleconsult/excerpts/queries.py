"""Reading what was shared: the frozen excerpt and its studies, through the consult they belong to."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Part, Verb, part_of, require
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import NotFound, Refused
from teleconsult.excerpts.models import Excerpt, ExcerptRead, ExcerptStudy
from teleconsult.imaging.models import ImagingStudy

MOST_READINGS: Final = 200


async def excerpt_for(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> Excerpt:
    """The newest version of a consult's excerpt with its items; the reading is logged and audited.

    The requesting side may read what it shared while it treats the patient; the specialists while the consult is open
    and a set time after, until it is revoked or the consent withdrawn (Refused). A coordinator sorts requests without
    it. Raises NotFound for anyone else and for a draft.
    """
    consult = await consult_for(session, actor, consult_id)
    excerpt = await session.scalar(
        select(Excerpt)
        .where(Excerpt.service_request_id == consult.id, rows.excerpts(actor))
        .order_by(Excerpt.version.desc())
        .limit(1)
        .options(selectinload(Excerpt.items))
    )
    if excerpt is None and part_of(consult, actor) in (Part.CANDIDATE, Part.OWNER):
        raise Refused("This excerpt is no longer shared. Ask the referring doctor to share it again.")
    if excerpt is None or actor.role_id is None:
        raise NotFound
    session.add(ExcerptRead(excerpt_id=excerpt.id, practitioner_role_id=actor.role_id, read_at=now()))
    audit.record(session, actor, "excerpt-read", excerpt, patient_id=consult.patient_id, consult=consult.id)
    await session.flush()
    return excerpt


async def readings_of(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> Sequence[ExcerptRead]:
    """Who else looked at what a consult shares, and when, latest first, at most 200; people and studies are loaded.

    For who shared it. Raises NotFound, Forbidden for the other side, Refused while it is a draft.
    """
    consult = await consult_for(session, actor, consult_id)
    require(consult, actor, Verb.SEE_READINGS)
    readings = await session.scalars(
        select(ExcerptRead)
        .join(Excerpt, Excerpt.id == ExcerptRead.excerpt_id)
        .where(
            Excerpt.service_request_id == consult.id,
            rows.excerpts(actor),
            ExcerptRead.practitioner_role_id != actor.role_id,
        )
        .order_by(ExcerptRead.read_at.desc())
        .limit(MOST_READINGS)
        .options(
            joinedload(ExcerptRead.role).joinedload(PractitionerRole.practitioner),
            joinedload(ExcerptRead.role).joinedload(PractitionerRole.organization),
            joinedload(ExcerptRead.study),
        )
    )
    return readings.all()


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
