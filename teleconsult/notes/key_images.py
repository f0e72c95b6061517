"""Key images of a note: chosen in the viewer by who writes it, taken out again, frozen with the signature."""

import base64
import dataclasses
import uuid
from collections.abc import Sequence
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.models import ImagingInstance, ImagingSeries
from teleconsult.imaging.queries import instance_for, study_for
from teleconsult.notes.content import KeyImage
from teleconsult.notes.drafting import open_note
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.queries import draft_for

MOST_IMAGES: Final = 6
"""Of one note, so that it stays a letter."""
PICTURE_SIZE: Final = 512
"""Of the longer side, in pixels."""
_MOST_MEASUREMENTS: Final = 20
_LONGEST_MEASUREMENT: Final = 160
_QUALITY: Final = 82


async def image_to_choose(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    study_uid: str,
    study_id: uuid.UUID,
    sop_uid: str,
    frame: int,
) -> tuple[ImagingInstance, ImagingSeries]:
    """An image that the consult shares, for who may write its note now.

    Raises NotFound, also for images of another consult, Forbidden and Refused as `open_note` does.
    """
    consult = await consult_for(session, actor, consult_id)
    require(consult, actor, Verb.WRITE_NOTE)
    study = await study_for(session, actor, study_uid, study_id=study_id)
    shares = exists().where(
        ExcerptStudy.imaging_study_id == study.id,
        ExcerptStudy.excerpt_id == Excerpt.id,
        Excerpt.service_request_id == consult.id,
    )
    if not await session.scalar(select(shares)):
        raise NotFound
    instance = await instance_for(session, actor, study_uid=study_uid, sop_uid=sop_uid, study_id=study.id)
    if not 1 <= frame <= instance.frames:
        raise NotFound
    return instance, await session.get_one(ImagingSeries, instance.imaging_series_id)


def described(
    instance: ImagingInstance,
    series: ImagingSeries,
    *,
    study_uid: str,
    frame: int,
    window: tuple[float, float] | None,
    measurements: Sequence[str],
    picture: bytes,
) -> KeyImage:
    """The image as the note names it. Raises Invalid for measurements that nobody could read."""
    lines = [
        " ".join("".join(letter if letter.isprintable() else " " for letter in line).split()) for line in measurements
    ]
    if len(lines) > _MOST_MEASUREMENTS or any(len(line) > _LONGEST_MEASUREMENT for line in lines):
        raise Invalid({"": "There are too many measurements on this image to put them into the note."})
    return KeyImage(
        id=str(uuid.uuid4()),
        study_uid=study_uid,
        series_uid=series.series_instance_uid,
        sop_instance_uid=instance.sop_instance_uid,
        series=series.description,
        number=instance.number,
        frame=frame,
        frames=instance.frames,
        window=(f"{window[0]:.0f}", f"{window[1]:.0f}") if window else None,
        measurements=tuple(line for line in lines if line),
        picture=base64.b64encode(picture).decode(),
    )


async def add_key_image(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, image: KeyImage) -> Composition:
    """Put the image into the actor's note of the consult, which is begun where there is none.

    Raises as `open_note`, Refused for a note that is signed or has as many as it may have.
    """
    note = await open_note(session, actor, consult_id=consult_id)
    note = await _draft(session, actor, note.id)
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
    note = await _draft(session, actor, note_id)
    kept = [image for image in note.key_images if image["id"] != image_id]
    if len(kept) != len(note.key_images):
        note.key_images = kept
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
        colour = drawn.convert("RGB")
    channels = colour.split()
    is_grey = all(channel.tobytes() == channels[0].tobytes() for channel in channels[1:])
    shown = channels[0] if is_grey else colour
    if is_inverted:
        shown = ImageOps.invert(shown)
    file = BytesIO()
    shown.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
