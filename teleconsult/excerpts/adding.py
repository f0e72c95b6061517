"""Sharing more of a file with a consult that is under way: a new frozen version of its excerpt."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.consents.recording import permits
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.errors import Conflict, Invalid, NotFound, Refused
from teleconsult.excerpts.freezing import entries_to_freeze, frozen_copy, keep_excerpt, studies_among
from teleconsult.excerpts.models import Excerpt, ExcerptItem, ExcerptStudy
from teleconsult.records.models import RecordEntry
from teleconsult.records.queries import MOST_CHOSEN


async def add_to_excerpt(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, entries: Sequence[uuid.UUID], version: int | None
) -> Excerpt:
    """Freeze the next version: all that was shared, as it was frozen then, and these entries as they stand now.

    Who asked, or a doctor of their side who treats the patient. An entry that changed since it was shared is shared
    again beside what it said. Once somebody stopped sharing, the next version begins with these entries alone.
    Raises NotFound; Forbidden for the other side; Refused when the consult has ended or the consent was withdrawn;
    Conflict when somebody added to it since `version` (None: add anyway); Invalid on `entries`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.ADD_ENTRIES)
    if not await permits(session, consult.id):
        raise Refused("The consent was withdrawn: nothing more can be shared.")
    newest = await newest_version(session, consult)
    if version is not None and version != newest.version:
        raise Conflict("Somebody has shared more meanwhile. Load the page again.")
    kept = still_shared(newest)
    chosen = await entries_to_freeze(session, actor, patient_id=consult.patient_id, entries=entries)
    added = not_shared(chosen, kept)
    if not added:
        raise Invalid({"entries": "Choose at least one entry that is not shared yet."})
    if len(kept) + len(added) > MOST_CHOSEN:
        raise Invalid({"entries": "Choose at most 300 entries."})
    excerpt = frozen_copy(
        consult_id=consult.id, patient=consult.patient, entries=added, kept=kept, version=newest.version + 1
    )
    studies = {*studies_among(added), *(await _studies_of(session, newest) if newest.revoked_at is None else ())}
    await keep_excerpt(session, actor, excerpt, patient_id=consult.patient_id, studies=studies)
    audit.record(
        session,
        actor,
        "excerpt-added",
        consult,
        patient_id=consult.patient_id,
        version=excerpt.version,
        added=len(added),
    )
    await session.flush()
    await tell_consult(session, "ConsultExcerptAdded", consult)
    return excerpt


async def newest_version(session: AsyncSession, consult: ServiceRequest) -> Excerpt:
    """The version that stands last, shared or not, with its items; the consult was looked up through the actor.

    Raises NotFound for a draft.
    """
    newest = await session.scalar(
        select(Excerpt)
        .where(Excerpt.service_request_id == consult.id)
        .order_by(Excerpt.version.desc())
        .limit(1)
        .options(selectinload(Excerpt.items))
    )
    if newest is None:
        raise NotFound
    return newest


def still_shared(excerpt: Excerpt) -> list[ExcerptItem]:
    """What the next version takes over: nothing of what somebody stopped sharing."""
    return [] if excerpt.revoked_at else list(excerpt.items)


def not_shared(entries: Sequence[RecordEntry], items: Sequence[ExcerptItem]) -> list[RecordEntry]:
    """Those of the entries that the items do not show as they stand now."""
    shared = {(item.record_entry_id, item.record_version) for item in items}
    return [entry for entry in entries if (entry.id, entry.version) not in shared]


async def _studies_of(session: AsyncSession, excerpt: Excerpt) -> Sequence[uuid.UUID]:
    shared = select(ExcerptStudy.imaging_study_id).where(ExcerptStudy.excerpt_id == excerpt.id)
    return (await session.scalars(shared)).all()
