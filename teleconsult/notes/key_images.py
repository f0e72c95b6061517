"""Key images of a note: put into the draft by who writes it, ordered, taken out again, frozen with the signature."""

import dataclasses
import uuid
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

from PIL import Image, ImageOps
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Refused
from teleconsult.notes.content import KeyImage
from teleconsult.notes.drafting import open_note
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.queries import draft_for

MOST_IMAGES: Final = 6
"""Of one note, so that it stays a letter."""
PICTURE_SIZE: Final = 768
"""Of the longer side, in pixels, where the image has more: printed 84 mm wide that is 230 to the inch."""
_QUALITY: Final = 82


async def add_key_image(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, image: KeyImage) -> Composition:
    """Put the image into the actor's note of the consult, which is begun where there is none.

    One that is there with the same window and marks stays as it is. Raises as `open_note`, Refused for a note that is
    signed or has as many as it may have.
    """
    note = await open_note(session, actor, consult_id=consult_id)
    note = await _draft(session, actor, note.id)
    if any(dataclasses.replace(image, id=known.id) == known for known in map(KeyImage.of, note.key_images)):
        return note
    if len(note.key_images) >= MOST_IMAGES:
        raise Refused("This note has six key images already. Take one out first.")
    note.key_images = [*note.key_images, dataclasses.asdict(image)]
    note.updated_at = now()
    audit.record(
        session,
        actor,
        "key-image-added",
        note,
        patient_id=note.patient_id,
        consult=consult_id,
        study=image.study_uid,
    )
    await session.flush()
    return note


async def remove_key_image(session: AsyncSession, actor: Actor, *, note_id: uuid.UUID, image_id: str) -> Composition:
    """Take an image out of the draft again; one that is not in it changes nothing. Raises NotFound, Refused."""
    return await _arrange(
        session, actor, note_id, lambda images: [image for image in images if image["id"] != image_id]
    )


async def move_key_image(
    session: AsyncSession, actor: Actor, *, note_id: uuid.UUID, image_id: str, by: int
) -> Composition:
    """Move an image of the draft `by` places, back where that is negative; at the end it stays there.

    One that is not in it changes nothing. Raises NotFound, Refused.
    """

    def moved(images: list[dict[str, Any]]) -> list[dict[str, Any]]:
        at = next((place for place, image in enumerate(images) if image["id"] == image_id), None)
        if at is None:
            return images
        others = [*images[:at], *images[at + 1 :]]
        others.insert(max(at + by, 0), images[at])
        return others

    return await _arrange(session, actor, note_id, moved)


async def _arrange(
    session: AsyncSession,
    actor: Actor,
    note_id: uuid.UUID,
    arranged: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> Composition:
    note = await _draft(session, actor, note_id)
    images = arranged(note.key_images)
    if images != note.key_images:
        note.key_images = images
        note.updated_at = now()
        await session.flush()
    return note


async def _draft(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> Composition:
    note = await draft_for(session, actor, note_id, lock=True)
    if note.status is not CompositionStatus.PRELIMINARY:
        raise Refused("This note is signed: it can no longer be changed.")
    return note


def as_jpeg(picture: bytes, *, is_inverted: bool) -> bytes:
    """A picture that we drew, as it is printed: a PDF takes JPEG as it is."""
    with Image.open(BytesIO(picture)) as drawn:
        shown = drawn.convert("L") if drawn.mode in ("1", "L") else drawn.convert("RGB")
    if is_inverted:
        shown = ImageOps.invert(shown)
    file = BytesIO()
    shown.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
