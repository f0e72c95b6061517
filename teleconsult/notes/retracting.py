"""Withdrawing a signed note: it was about somebody else, or should never have been. What was signed is kept."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import Proof, confirm
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import RequestStatus, ServiceRequest, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.queueing import queue_retraction
from teleconsult.errors import Invalid, Refused
from teleconsult.excerpts.revoking import let_expire
from teleconsult.notes.content import Relation
from teleconsult.notes.models import Composition, CompositionStatus, NoteRetraction, RetractionReason
from teleconsult.notes.queries import draft_for
from teleconsult.notes.versions import Version, goes_with, versions_of
from teleconsult.settings import Settings

LONGEST: int = 500
"""Characters of an explanation."""


async def retract_note(
    sessions: Sessions,
    settings: Settings,
    actor: Actor,
    *,
    note_id: uuid.UUID,
    reason: RetractionReason,
    explanation: str,
    proof: Proof,
    address: str,
) -> Composition:
    """Withdraw the actor's signed note in all its versions, and all that was added to it; all who had it are told.

    Raises NotFound for anybody but its author, Refused where it is not signed or was withdrawn already, Invalid on
    `explanation` and as `stepping_up.confirm` does, TooMany.
    """
    async with transaction(sessions, actor) as session:
        await _to_retract(session, actor, note_id)
    if not explanation.strip() or len(explanation) > LONGEST:
        raise Invalid({"explanation": "Say in a few words what was wrong (500 characters at most)."})
    await confirm(sessions, settings, actor, proof=proof, address=address)
    async with transaction(sessions, actor) as session:
        note, consult, gone = await _to_retract(session, actor, note_id)
        moment = now()
        for version in gone:
            session.add(
                NoteRetraction(
                    id=uuid.uuid4(),
                    composition_id=version.id,
                    reason=reason,
                    explanation=explanation.strip(),
                    retracted_at=moment,
                    retracted_by_id=note.author_role_id,
                )
            )
        await session.flush()
        await _let_go_of_drafts(session, gone)
        withdrawn = [await session.get_one(Composition, version.id) for version in gone]
        for one in withdrawn:
            await queue_retraction(session, one)
            audit.record(
                session,
                actor,
                "note-retracted",
                one,
                patient_id=one.patient_id,
                consult=consult.id,
                reason=reason.value,
            )
        if not await _something_stands(session, actor, note):
            await _close(session, consult, moment, settings)
        await tell_consult(session, "ConsultNoteRetracted", consult)
        return note


async def _to_retract(
    session: AsyncSession, actor: Actor, note_id: uuid.UUID
) -> tuple[Composition, ServiceRequest, list[Version]]:
    """The note, its consult, locked, and all versions that go. Raises as `retract_note`."""
    note = await draft_for(session, actor, note_id)
    if note.status is CompositionStatus.PRELIMINARY:
        raise Refused("This note is not signed yet.")
    consult = await consult_for(session, actor, note.service_request_id, lock=True)
    gone = [one for one in goes_with(await versions_of(session, actor, note), note.id) if one.retraction is None]
    if not any(one.id == note.id for one in gone):
        raise Refused("This note was withdrawn already.")
    require(consult, actor, Verb.FOLLOW_NOTE)
    return note, consult, gone


async def _let_go_of_drafts(session: AsyncSession, gone: list[Version]) -> None:
    """What was begun to follow it follows nothing any more; its words stay with who wrote them."""
    await session.execute(
        update(Composition)
        .where(
            Composition.related_id.in_([version.id for version in gone]),
            Composition.status == CompositionStatus.PRELIMINARY,
        )
        .values(relation=Relation.NONE, related_id=None, set_id=Composition.id, version_number=1)
    )


async def _something_stands(session: AsyncSession, actor: Actor, note: Composition) -> bool:
    return any(version.stands for version in await versions_of(session, actor, note))


async def _close(session: AsyncSession, consult: ServiceRequest, moment: datetime, settings: Settings) -> None:
    """Nothing of the answer is left: nobody is asked to acknowledge it, and what was shared expires."""
    if consult.status is RequestStatus.ACTIVE:
        consult.status = RequestStatus.COMPLETED
        consult.completed_at = consult.updated_at = moment
        await let_expire(session, consult_id=consult.id, after=timedelta(days=settings.excerpt_days))
    if consult.task is not None and consult.task.status is not TaskStatus.COMPLETED:
        consult.task.status, consult.task.modified_at = TaskStatus.COMPLETED, moment
    await session.flush()
