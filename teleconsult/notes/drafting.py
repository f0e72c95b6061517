"""A note while it is written: begun by the specialist who accepted, saved as it grows."""

import uuid
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Part, Verb, part_of, require
from teleconsult.errors import Conflict, Refused
from teleconsult.notes.content import SECTIONS, clean_sections
from teleconsult.notes.earlier import keep_earlier, words_of_version
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.queries import draft_for


async def open_note(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> Composition:
    """The specialist's note of this consult: the one there is, or a new draft.

    Raises NotFound, Forbidden for who did not accept the consult, Refused where the state allows no note.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    note = await session.scalar(
        select(Composition)
        .where(Composition.service_request_id == consult.id, Composition.author_role_id == actor.role_id)
        .order_by(Composition.created_at.desc())
        .limit(1)
    )
    if note is not None and part_of(consult, actor) is Part.OWNER:
        return note
    require(consult, actor, Verb.WRITE_NOTE)
    assert actor.role_id is not None
    moment = now()
    note = Composition(
        id=uuid.uuid4(),
        service_request_id=consult.id,
        patient_id=consult.patient_id,
        author_role_id=actor.role_id,
        status=CompositionStatus.PRELIMINARY,
        language=actor.locale,
        sections=dict.fromkeys(SECTIONS, ""),
        version=1,
        created_at=moment,
        updated_at=moment,
    )
    session.add(note)
    audit.record(session, actor, "note-drafted", note, patient_id=note.patient_id, consult=consult.id)
    await session.flush()
    return note


async def save_draft(
    session: AsyncSession,
    actor: Actor,
    *,
    note_id: uuid.UUID,
    version: int,
    sections: Mapping[str, str],
    is_turn: bool = False,
) -> Composition:
    """Keep what was written since `version`; the same words again are no change.

    How the draft stood before is kept every while; at a turn, when much is put in or taken out at once, always.

    Raises NotFound for anybody but the author, Refused once signed, Conflict when another tab saved other words
    meanwhile, Invalid for what cannot be kept. Nothing of the draft is lost in any of these cases.
    """
    cleaned = clean_sections(sections)
    note = await draft_for(session, actor, note_id, lock=True)
    if note.status is not CompositionStatus.PRELIMINARY:
        raise Refused("This note is signed: it can no longer be changed.")
    kept = dict.fromkeys(SECTIONS, "") | note.sections
    changed = kept | {name: cleaned[name] for name in sections}
    if changed == kept:
        return note
    if version != note.version:
        raise Conflict("This note was changed in another tab. Your words are kept here; nothing was overwritten.")
    await keep_earlier(session, note, changed, is_turn=is_turn)
    note.sections = changed
    note.version += 1
    note.updated_at = now()
    await session.flush()
    return note


async def take_back(
    session: AsyncSession, actor: Actor, *, note_id: uuid.UUID, earlier: int, version: int
) -> Composition:
    """Put the words of the `earlier` version back into the draft; those that stand there now are kept like these.

    Raises as `save_draft` does, NotFound also where there is no such version.
    """
    kept = await words_of_version(session, actor, note_id=note_id, version=earlier)
    return await save_draft(session, actor, note_id=note_id, version=version, sections=kept.sections, is_turn=True)
