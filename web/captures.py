"""Photographs, videos and PDFs among what is uploaded: what their sender says of them, and where they become DICOM."""

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Final

from aiohttp import web

from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import Specialty
from teleconsult.errors import Invalid
from teleconsult.imaging.actions import Outcome
from teleconsult.imaging.captures.kinds import Kind, Subject
from teleconsult.imaging.captures.making import VIDEO_SECONDS, Brought, Studio, Words
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.sandbox import Sandbox
from web.i18n import gettext as _
from web.requests import actor_of, receiver_of, sandbox_of, sessions_of

SUBJECT: Final = "subject"
"""The field, and the key of Upload-Metadata."""
ACCEPTED: Final = "image/jpeg,image/png,image/webp,video/mp4,video/quicktime,video/webm,application/pdf"
"""What the browser offers. Telephones hand out JPEG where HEIC is not asked for."""
_VIDEOS: Final = web.AppKey("videos", Sandbox)
_ON_FILM: Final = {Specialty.CARDIOLOGY, Specialty.NEUROLOGY, Specialty.TRAUMA}
"""Who is mostly shown an X-ray, a scan or an ECG."""


def add_studio(app: web.Application) -> None:
    """A worker for videos, started with the first of them and ended with the site."""
    app[_VIDEOS] = videos = Sandbox(workers=1, seconds=VIDEO_SECONDS, jobs_per_worker=20)

    async def open_studio(_app: web.Application) -> AsyncIterator[None]:
        yield
        await videos.close()

    app.cleanup_ctx.append(open_studio)


def videos_of(request: web.Request) -> Sandbox:
    """Where videos become DICOM."""
    return request.app[_VIDEOS]


async def take_in(
    request: web.Request, consult_id: uuid.UUID, files: Sequence[Received], *, subject: str
) -> list[Outcome]:
    """Store what can be stored of what was uploaded; with a `subject`, also what is no DICOM. What became of each.

    Raises Invalid for a subject there is not, and as `Receiver.receive`.
    """
    actor, receiver, told = actor_of(request), receiver_of(request), brought(subject)
    if told is None:
        return await receiver.receive(actor, consult_id=consult_id, files=files)
    studio = Studio(
        sessions=sessions_of(request), receiver=receiver, sandbox=sandbox_of(request), videos=videos_of(request)
    )
    return await studio.receive(actor, consult_id=consult_id, files=files, brought=told)


def brought(subject: str) -> Brought | None:
    """What is said of the files, in the reader's language; None where nothing is. Raises Invalid."""
    if not subject:
        return None
    if subject not in set(Subject):
        raise Invalid({SUBJECT: "Say what the photograph shows."})
    return Brought(Subject(subject), words())


def words() -> Words:
    """What the study and its series are called, in the reader's language."""
    series = {
        Kind.PHOTOGRAPH: _("Photographs"),
        Kind.FILM: _("Films, screens, paper"),
        Kind.PAGE: _("Photographed documents"),
        Kind.DOCUMENT: _("Documents"),
        Kind.VIDEO: _("Videos"),
    }
    return Words(_("Photographs and documents"), series)


def likely_subject(consult: ServiceRequest) -> Subject:
    """What photographs for this consult mostly show."""
    return Subject.FILM if consult.service and consult.service.specialty in _ON_FILM else Subject.SKIN
