"""Reading what was shared: the frozen excerpt in its versions, through the consult they belong to."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Select, and_, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.access.rows.kept import Kept
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Part, Verb, part_of, require
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import NotFound, Refused
from teleconsult.excerpts.models import Excerpt, ExcerptItem, ExcerptRead

MOST_READINGS: Final = 200
MOST_VERSIONS: Final = 200


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an excerpt, and how many entries came with it."""

    number: int
    frozen_at: datetime
    added: int


async def excerpt_for(
    session: AsyncSession, actor: Actor, consult_id: uuid.UUID, *, version: int | None = None, again: bool = False
) -> Excerpt:
    """The newest version of a consult's excerpt, or an earlier one, with its items; the reading is logged and audited.

    The requesting side may read what it shared while it treats the patient; the specialists while the consult is open
    and a set time after, until it is revoked or the consent withdrawn (Refused). A coordinator sorts requests without
    it. `again`: a page that shows it looks once more by itself, and a version they had opened is not noted twice.
    Raises NotFound for anyone else, for a draft and for a version there is not.
    """
    consult = await consult_for(session, actor, consult_id)
    question, ids = (_LATEST if version is None else _THAT_VERSION).asked_by(actor)
    excerpt = await session.scalar(question, {**ids, "consult_id": consult.id, "version": version})
    if excerpt is None and version is None and part_of(consult, actor) in (Part.CANDIDATE, Part.OWNER):
        raise Refused("This excerpt is no longer shared. Ask the referring doctor to share it again.")
    if excerpt is None or actor.role_id is None:
        raise NotFound
    if again and await _has_read(session, excerpt.id, actor.role_id):
        return excerpt
    session.add(ExcerptRead(excerpt_id=excerpt.id, practitioner_role_id=actor.role_id, read_at=now()))
    audit.record(session, actor, "excerpt-read", excerpt, patient_id=consult.patient_id, consult=consult.id)
    await session.flush()
    return excerpt


def _latest_for(actor: Actor) -> Select[Excerpt]:
    return (
        select(Excerpt)
        .where(Excerpt.service_request_id == bindparam("consult_id"), rows.excerpts(actor))
        .order_by(Excerpt.version.desc())
        .limit(1)
        .options(selectinload(Excerpt.items))
    )


_LATEST: Final = Kept(_latest_for)
_THAT_VERSION: Final = Kept(lambda actor: _latest_for(actor).where(Excerpt.version == bindparam("version")))


async def versions_of(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> list[Version]:
    """The versions of a consult's excerpt that the actor may read, latest first, at most 200."""
    question, ids = _VERSIONS.asked_by(actor)
    return [Version(*row) for row in await session.execute(question, {**ids, "consult_id": consult_id})]


def _versions_for(actor: Actor) -> Select[int, datetime, int]:
    came_with_it = and_(ExcerptItem.excerpt_id == Excerpt.id, ExcerptItem.since_version == Excerpt.version)
    return (
        select(Excerpt.version, Excerpt.frozen_at, func.count(ExcerptItem.id))
        .outerjoin(ExcerptItem, came_with_it)
        .where(Excerpt.service_request_id == bindparam("consult_id"), rows.excerpts(actor))
        .group_by(Excerpt.id)
        .order_by(Excerpt.version.desc())
        .limit(MOST_VERSIONS)
    )


_VERSIONS: Final = Kept(_versions_for)


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
            joinedload(ExcerptRead.excerpt),
        )
    )
    return readings.all()


async def _has_read(session: AsyncSession, excerpt_id: uuid.UUID, role_id: uuid.UUID) -> bool:
    of_role = exists().where(ExcerptRead.excerpt_id == excerpt_id, ExcerptRead.practitioner_role_id == role_id)
    return bool(await session.scalar(select(of_role.where(ExcerptRead.imaging_study_id.is_(None)))))
