"""The versions of a note, and which of them counts: what was added, what replaces what, what was withdrawn."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.access.rows.kept import Kept
from teleconsult.accounts.actor import Actor
from teleconsult.errors import Refused
from teleconsult.notes.content import Relation
from teleconsult.notes.models import Composition, CompositionStatus, NoteRetraction


@dataclass(frozen=True, slots=True)
class Version:
    """One signed version of one document, as far as a list of them tells it."""

    id: uuid.UUID
    set_id: uuid.UUID
    version_number: int
    relation: Relation
    related_id: uuid.UUID | None
    signed_at: datetime
    signer_name: str
    replaced_by: uuid.UUID | None = None
    retraction: NoteRetraction | None = None

    @property
    def stands(self) -> bool:
        """Whether it still counts: nothing replaces it, and it was not withdrawn."""
        return self.replaced_by is None and self.retraction is None


async def versions_of(session: AsyncSession, actor: Actor, note: Composition) -> list[Version]:
    """All signed notes of the same consult and author that exist for the actor: those that count first, then the
    newest. A consult has few.
    """
    found = await session.execute(
        select(
            Composition.id,
            Composition.set_id,
            Composition.version_number,
            Composition.relation,
            Composition.related_id,
            Composition.signed_at,
            Composition.signer_name,
            NoteRetraction,
        )
        .outerjoin(NoteRetraction, NoteRetraction.composition_id == Composition.id)
        .where(
            Composition.service_request_id == note.service_request_id,
            Composition.author_role_id == note.author_role_id,
            Composition.status != CompositionStatus.PRELIMINARY,
            rows.notes(actor),
        )
        .order_by(Composition.created_at)
    )
    listed = list(found)
    newer = {row.related_id: row.id for row in listed if row.relation is Relation.REPLACES}
    versions = [
        Version(
            id=row.id,
            set_id=row.set_id,
            version_number=row.version_number,
            relation=row.relation,
            related_id=row.related_id,
            signed_at=row.signed_at,
            signer_name=row.signer_name,
            replaced_by=newer.get(row.id),
            retraction=row.NoteRetraction,
        )
        for row in listed
    ]
    return sorted(
        versions, key=lambda one: (one.stands, one.relation is not Relation.APPENDS, one.signed_at), reverse=True
    )


async def current_of_consult(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> dict[uuid.UUID, Relation]:
    """The signed notes of a consult that exist for the actor and that nothing replaces: what each is to another."""
    question, ids = _SIGNED.asked_by(actor)
    listed = list(await session.execute(question, {**ids, "consult_id": consult_id}))
    replaced = {row.related_id for row in listed if row.relation is Relation.REPLACES}
    return {row.id: row.relation for row in listed if row.id not in replaced}


def _signed_for(actor: Actor) -> Select[uuid.UUID, Relation, uuid.UUID | None]:
    return select(Composition.id, Composition.relation, Composition.related_id).where(
        Composition.service_request_id == bindparam("consult_id"),
        Composition.status != CompositionStatus.PRELIMINARY,
        rows.notes(actor),
    )


_SIGNED: Final = Kept(_signed_for)


async def retraction_of(session: AsyncSession, note: Composition) -> NoteRetraction | None:
    """That the note was withdrawn; None where it was not."""
    return await session.scalar(select(NoteRetraction).where(NoteRetraction.composition_id == note.id))


async def retracted_among(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, NoteRetraction]:
    """Those of these notes that were withdrawn."""
    found = await session.scalars(select(NoteRetraction).where(NoteRetraction.composition_id.in_(ids)))
    return {one.composition_id: one for one in found}


async def refuse_what_follows(session: AsyncSession, actor: Actor, note: Composition) -> None:
    """Raise Refused unless the note is signed, and nothing replaces or withdraws it: only then may another follow."""
    if note.status is CompositionStatus.PRELIMINARY:
        raise Refused("This note is not signed yet.")
    own = next(one for one in await versions_of(session, actor, note) if one.id == note.id)
    if own.retraction is not None:
        raise Refused("This note was withdrawn.")
    if own.replaced_by is not None:
        raise Refused("A later version of this note exists. Open that one.")


def goes_with(versions: Sequence[Version], note_id: uuid.UUID) -> list[Version]:
    """What is withdrawn with a note: all versions of its document, and all that was added to any of them."""
    gone = {next(one.set_id for one in versions if one.id == note_id)}
    while True:
        ids = {one.id for one in versions if one.set_id in gone}
        further = {one.set_id for one in versions if one.related_id in ids} - gone
        if not further:
            return [one for one in versions if one.set_id in gone]
        gone |= further
