"""Who is asked to sign a team meeting's conclusion besides its author, and who did.

The note is final and on its way once its author signed; what is asked for is awaited for thirty days.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Invalid, Refused
from teleconsult.jobs import defer
from teleconsult.notes.co_signing_models import WAITS_FOR, NoteCoSignature
from teleconsult.notes.content import NoteContent
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.queries import draft_for
from teleconsult.notes.versions import refuse_what_follows

MOST: Final = 50
"""Rows of a list."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member who was there, and may be asked."""

    role_id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class Awaited:
    """A conclusion that waits for somebody's own signature: of which meeting it is, who wrote it, since when."""

    note_id: uuid.UUID
    title: str
    signer_name: str
    asked_at: datetime
    until: datetime


async def candidates(session: AsyncSession, note: Composition) -> list[Candidate]:
    """Members who were there by the signed note, still work in that role, and were not asked yet.

    `note` was found through the actor, its author; empty where it is no meeting's conclusion.
    """
    meeting = NoteContent.from_bytes(note.content).meeting if note.content else None
    if meeting is None or note.status is CompositionStatus.PRELIMINARY:
        return []
    present = {uuid.UUID(one.role_id): one.name for one in meeting.members_present}
    present.pop(note.author_role_id, None)
    asked = exists().where(
        NoteCoSignature.composition_id == note.id, NoteCoSignature.practitioner_role_id == PractitionerRole.id
    )
    can = await session.scalars(
        select(PractitionerRole.id).where(
            PractitionerRole.id.in_(present),
            PractitionerRole.ended_at.is_(None),
            ~asked,
        )
    )
    still = set(can)
    return [Candidate(role_id, name) for role_id, name in present.items() if role_id in still]


async def ask_to_co_sign(
    session: AsyncSession, actor: Actor, *, note_id: uuid.UUID, role_ids: Collection[uuid.UUID]
) -> list[NoteCoSignature]:
    """The author asks members who were there to sign it too; each is told.

    Raises NotFound for anybody but the author, Refused where the note is not signed or does not stand any more, or is
    no meeting's conclusion, Invalid on `members` for nobody and for who was not there or is asked already.
    """
    from teleconsult.notes.jobs import tell_co_signers

    note = await draft_for(session, actor, note_id, lock=True)
    await refuse_what_follows(session, actor, note)
    meeting = NoteContent.from_bytes(note.content).meeting if note.content else None
    if meeting is None:
        raise Refused("Only the conclusion of a team meeting is signed by several people.")
    may = {one.role_id: one.name for one in await candidates(session, note)}
    if not role_ids or not set(role_ids) <= set(may):
        raise Invalid({"members": "Choose members who were there and were not asked yet."})
    assert actor.role_id is not None, "they wrote it"
    moment = now()
    asked = [
        NoteCoSignature(
            id=uuid.uuid4(),
            composition_id=note.id,
            practitioner_role_id=role_id,
            name=may[role_id],
            meeting_title=meeting.title,
            asked_by_id=actor.role_id,
            asked_at=moment,
        )
        for role_id in dict.fromkeys(role_ids)
    ]
    session.add_all(asked)
    await session.flush()
    audit.record(
        session,
        actor,
        "co-signature-asked",
        note,
        patient_id=note.patient_id,
        consult=note.service_request_id,
        people=len(asked),
    )
    await defer(session, tell_co_signers, note_id=str(note.id))
    return asked


async def co_signatures_of(session: AsyncSession, note: Composition) -> Sequence[NoteCoSignature]:
    """Who was asked, those who signed first. `note` was found through the actor."""
    query = select(NoteCoSignature).where(NoteCoSignature.composition_id == note.id)
    return (await session.scalars(query.order_by(NoteCoSignature.signed_at.nulls_last(), NoteCoSignature.name))).all()


async def further_signatures(session: AsyncSession, note_id: uuid.UUID) -> tuple[str, ...]:
    """The signatures of others over a note's FHIR document, in their order. The note was found through the actor."""
    query = select(NoteCoSignature.jws).where(NoteCoSignature.composition_id == note_id, NoteCoSignature.jws > "")
    return tuple(await session.scalars(query.order_by(NoteCoSignature.signed_at, NoteCoSignature.name)))


async def awaited_of(session: AsyncSession, actor: Actor) -> list[Awaited]:
    """Conclusions that wait for the actor's own signature, the oldest first; none that was withdrawn or replaced."""
    if actor.role_id is None:
        return []
    found = await session.execute(
        select(NoteCoSignature, Composition.signer_name)
        .join(Composition, Composition.id == NoteCoSignature.composition_id)
        .where(
            NoteCoSignature.practitioner_role_id == actor.role_id,
            NoteCoSignature.signed_at.is_(None),
            NoteCoSignature.asked_at > now() - WAITS_FOR,
            func.note_stands(Composition.id),
            rows.notes(actor),
        )
        .order_by(NoteCoSignature.asked_at)
        .limit(MOST)
    )
    return [
        Awaited(asked.composition_id, asked.meeting_title, signer_name, asked.asked_at, asked.asked_at + WAITS_FOR)
        for asked, signer_name in found
    ]
