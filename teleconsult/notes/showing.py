"""The rendering its author is shown before they sign: printed once, kept, and the very bytes that are signed then."""

import hashlib
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.documents.press import Press
from teleconsult.errors import Conflict, NotFound, TeleconsultError
from teleconsult.notes.content import NoteContent
from teleconsult.notes.models import CompositionStatus
from teleconsult.notes.queries import draft_for, refuse_signed
from teleconsult.objects import Objects, new_key

GOOD_FOR: Final = timedelta(minutes=15)
"""The moment it says it was signed at is that of the showing: it may not lie long before the signature."""
_SIZE_BYTES: Final = 8


class Installation(Protocol):
    """What of an installation it needs (`signing.Signing`)."""

    @property
    def sessions(self) -> Sessions: ...
    @property
    def objects(self) -> Objects: ...
    @property
    def press(self) -> Press: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What a note says, and the PDF of it."""

    content: NoteContent
    pdf: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the PDF, in hex: what the form of the signature carries."""
        return hashlib.sha256(self.pdf).hexdigest()

    def is_still(self, content: NoteContent) -> bool:
        """Whether it says what the note says now, and is not too old to be signed."""
        is_same = replace(content, written_at=self.content.written_at) == self.content
        return is_same and timedelta() <= content.written_at - self.content.written_at <= GOOD_FOR

    def to_bytes(self) -> bytes:
        """Both in one object: the length of the content, the content, the PDF."""
        content = self.content.to_bytes()
        return len(content).to_bytes(_SIZE_BYTES) + content + self.pdf

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Shown":
        """Read back what `to_bytes` wrote."""
        end = _SIZE_BYTES + int.from_bytes(kept[:_SIZE_BYTES])
        return cls(NoteContent.from_bytes(kept[_SIZE_BYTES:end]), kept[end:])


async def show_rendering(installation: Installation, actor: Actor, content: NoteContent) -> Shown:
    """The rendering of `content`, composed just now: that which was shown before while it still holds, or a new one.

    Raises NotFound for anybody but the author, Refused once it is signed, Unavailable when it could not be printed.
    """
    note_id = uuid.UUID(content.id)
    async with transaction(installation.sessions, actor) as session:
        before = await _key_of(session, actor, note_id)
    kept = await shown_before(installation.objects, before) if before else None
    if kept is not None and kept.is_still(content):
        return kept
    shown = Shown(content, await installation.press.note(content, is_signed=True))
    key = new_key("shown")
    await installation.objects.put(key, shown.to_bytes())
    try:
        async with transaction(installation.sessions, actor) as session:
            note = await draft_for(session, actor, note_id, lock=True)
            refuse_signed(note)
            before, note.shown_object_key = note.shown_object_key, key
    except TeleconsultError:  # signed meanwhile, in another window
        await installation.objects.delete(key)
        raise
    if before:
        await installation.objects.delete(before)
    return shown


async def shown_before(objects: Objects, key: str) -> Shown | None:
    """What lies under that key; None where it is gone: another window was shown a newer one meanwhile."""
    try:
        return Shown.from_bytes(await objects.get(key))
    except NotFound:
        return None


async def require_shown(objects: Objects, key: str | None, *, digest: str, content: NoteContent) -> Shown:
    """The rendering with this digest, which the author saw. Raises Conflict where the note says something else now,
    and without a digest: nobody saw what would be signed.
    """
    if not digest:
        raise Conflict("Look at the note as it will be signed first, then sign it.")
    shown = await shown_before(objects, key) if key else None
    if shown is None or shown.digest != digest or not shown.is_still(content):
        raise Conflict(
            "What would be signed has changed since you saw it, or it was too long ago. Look at it again, then sign."
        )
    return shown


async def shown_pdf(installation: Installation, actor: Actor, *, note_id: uuid.UUID) -> bytes:
    """The PDF its author was shown last. Raises NotFound for anybody else, and where none is kept."""
    async with transaction(installation.sessions, actor) as session:
        key = await _key_of(session, actor, note_id)
    shown = await shown_before(installation.objects, key) if key else None
    if shown is None:
        raise NotFound
    return shown.pdf


async def _key_of(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> str | None:
    note = await draft_for(session, actor, note_id)
    return note.shown_object_key if note.status is CompositionStatus.PRELIMINARY else None
