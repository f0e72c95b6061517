"""What follows a signed note: an addendum, a document of its own that appends; an amendment, which replaces it.

After the signature nothing attaches to that version. Both are drafts like any other until they are signed.
"""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.errors import Refused
from teleconsult.notes.content import SECTIONS, Relation
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.queries import draft_for
from teleconsult.notes.versions import refuse_what_follows


async def begin_addendum(session: AsyncSession, actor: Actor, *, note_id: uuid.UUID) -> Composition:
    """A draft that will append to the actor's signed note; the one that was begun, where there is one.

    Raises NotFound for anybody but its author, Refused where the note is not signed, has a later version or was
    withdrawn, or another draft of this consult has words in it.
    """
    return await _begin(session, actor, note_id, Relation.APPENDS)


async def begin_amendment(session: AsyncSession, actor: Actor, *, note_id: uuid.UUID) -> Composition:
    """A draft of the next version, which will replace the actor's signed note; it begins with the same words.

    Raises as `begin_addendum`.
    """
    return await _begin(session, actor, note_id, Relation.REPLACES)


async def _begin(session: AsyncSession, actor: Actor, note_id: uuid.UUID, relation: Relation) -> Composition:
    earlier = await draft_for(session, actor, note_id)
    consult = await consult_for(session, actor, earlier.service_request_id, lock=True)
    require(consult, actor, Verb.FOLLOW_NOTE)
    await refuse_what_follows(session, actor, earlier)
    draft = await session.scalar(
        select(Composition)
        .where(
            Composition.service_request_id == consult.id,
            Composition.author_role_id == actor.role_id,
            Composition.status == CompositionStatus.PRELIMINARY,
        )
        .with_for_update()
    )
    if draft is not None and (draft.relation, draft.related_id) == (relation, earlier.id):
        return draft
    if draft is not None and await _was_written(session, draft):
        raise Refused("You have begun something else about this consult. Sign it, or empty it first.")
    moment, next_save = now(), draft.version + 1 if draft else 1  # a window that shows what it was writes no more
    if draft is None:
        draft = Composition(
            id=uuid.uuid4(),
            service_request_id=consult.id,
            patient_id=earlier.patient_id,
            author_role_id=earlier.author_role_id,
            status=CompositionStatus.PRELIMINARY,
            version=1,
            created_at=moment,
        )
        session.add(draft)
    replaces = relation is Relation.REPLACES
    draft.language = earlier.language
    draft.relation, draft.related_id = relation, earlier.id
    draft.set_id = earlier.set_id if replaces else draft.id
    draft.version_number = earlier.version_number + 1 if replaces else 1
    draft.sections = dict(earlier.sections) if replaces else dict.fromkeys(SECTIONS, "")
    draft.key_images = list(earlier.key_images) if replaces else []
    draft.mailed_to = earlier.mailed_to
    draft.invisible_to_patient = earlier.invisible_to_patient
    draft.invisible_to_guardians = earlier.invisible_to_guardians
    draft.version, draft.updated_at = next_save, moment
    audit.record(
        session,
        actor,
        "amendment-begun" if replaces else "addendum-begun",
        draft,
        patient_id=draft.patient_id,
        consult=consult.id,
        follows=str(earlier.id),
    )
    await session.flush()
    return draft


async def _was_written(session: AsyncSession, draft: Composition) -> bool:
    """Whether something would be lost with it: a correction begins with the words it is to replace."""
    if not draft.key_images and not any(text.strip() for text in draft.sections.values()):
        return False
    if draft.relation is not Relation.REPLACES or draft.related_id is None:
        return True
    earlier = await session.get_one(Composition, draft.related_id)
    is_same = all(draft.sections.get(name, "").strip() == earlier.sections.get(name, "").strip() for name in SECTIONS)
    return not is_same or draft.key_images != earlier.key_images
