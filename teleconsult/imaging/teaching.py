"""A study taken out for teaching: a ZIP of its images without who they are of, and a report of what was changed."""

import asyncio
import csv
import hashlib
import io
import secrets
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.sessions import require_open_session
from teleconsult.errors import Invalid
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.queries import study_for
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.renditions import Renditions
from teleconsult.imaging.sandbox.messages import Message

MOST: Final = 2_000
"""Images of one export."""
LARGEST: Final = 256 * 1024 * 1024
"""Bytes of one image: it is in memory once while it is changed."""
LARGEST_WHOLE: Final = 4 * 1024**3
"""Bytes of all images of one export: as many stand on the disk until it has left."""
_PIECE: Final = 1024 * 1024
LONGEST_WORDS: Final = 300


@dataclass(slots=True)
class Lesson:
    """What came of an export."""

    taken: int = 0
    left_out: Counter[Refusal] = field(default_factory=Counter)
    """Images that could not be made safe, by reason."""
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """In how many images an element (tag and keyword) became what (`deidentifying.Done`)."""


def read_purpose(*, words: str, is_allowed: bool) -> str:
    """What it is for, as it was typed. Raises Invalid on `words` and `allowed`."""
    wrong = {}
    if not words.strip():
        wrong["words"] = "Say in a few words what it is for."
    elif len(words) > LONGEST_WORDS or any(not letter.isprintable() for letter in words):
        wrong["words"] = "Keep this in one line of at most 300 characters."
    if not is_allowed:
        wrong["allowed"] = "Confirm this first."
    if wrong:
        raise Invalid(wrong)
    return words.strip()


async def images_to_take(session: AsyncSession, actor: Actor, study: ImagingStudy) -> list[ImagingInstance]:
    """The images of a study that was looked up, in their order. Raises Invalid where there are more than `MOST`,
    or they are larger than `LARGEST_WHOLE`.
    """
    question = (
        select(ImagingInstance)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(ImagingSeries.imaging_study_id == study.id)
        .order_by(ImagingSeries.number, ImagingSeries.id, ImagingInstance.number, ImagingInstance.sop_instance_uid)
        .limit(MOST + 1)
    )
    images = list(await session.scalars(question))
    if len(images) > MOST:
        raise Invalid({"": "This study has more than %(most)s images: too many to be taken at once."}, most=MOST)
    if sum(image.size for image in images) > LARGEST_WHOLE:
        raise Invalid({"": "This study is too large to be taken at once."})
    return images


async def make_lesson(renditions: Renditions, images: list[ImagingInstance], path: Path) -> Lesson:
    """Write the ZIP to `path`, an image at a time. What cannot be made safe is left out, and counted."""
    lesson, key = Lesson(), secrets.token_bytes(32)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for image in images:
            try:
                answer = await _made_safe(renditions, image, key)
            except Unreadable as error:
                lesson.left_out[error.refusal] += 1
                continue
            lesson.taken += 1
            lesson.changes.update(answer.head.items())
            await _add(archive, f"images/{lesson.taken:05}.dcm", answer.body)
        archive.writestr("report.csv", _report(lesson))
    return lesson


async def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """In pieces, between which others have their turn."""
    with archive.open(name, "w") as out:
        for start in range(0, len(content), _PIECE):
            out.write(content[start : start + _PIECE])
            await asyncio.sleep(0)


async def _made_safe(renditions: Renditions, image: ImagingInstance, key: bytes) -> Message:
    if image.size > LARGEST:
        raise Unreadable(Refusal.TOO_LARGE)
    return await renditions.deidentified(image, key)


async def let_lesson_leave(
    session: AsyncSession, actor: Actor, study: ImagingStudy, lesson: Lesson, *, words: str, path: Path
) -> None:
    """Write down what is about to leave. Raises NotFound where the study may no longer be read, Unauthenticated where
    the session is over."""
    await require_open_session(session, actor)
    await study_for(session, actor, study.study_instance_uid, study_id=study.id)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    audit.record(
        session,
        actor,
        "study-taken-for-teaching",
        study,
        patient_id=study.patient_id,
        words=words,
        images=lesson.taken,
        left_out=lesson.left_out.total(),
        sha256=sha256,
    )


def _report(lesson: Lesson) -> str:
    """A row an element and what became of it, then a row a reason for which images were left out."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(("element", "done", "images"))
    rows.writerows((*change, count) for change, count in sorted(lesson.changes.items()))
    rows.writerows(("image", f"left out: {reason.value}", count) for reason, count in sorted(lesson.left_out.items()))
    return out.getvalue()
